"""What the tests share: real servers, and small tools to drive them."""
