"""What is stored: tables, the unit of work, and the queries that read models are made of."""
