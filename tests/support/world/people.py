"""Who works on the tranche: the invented people of the worked case, by what they do here."""

from __future__ import annotations

SCHOOLS = (
    ("99AA00", "anna@ozobot.example.org"),
    ("99AB00", "bram@zeebries.example.org"),
    ("99AC00", "carla@kompas.example.org"),
    ("99AD00", "daan@vuurtoren.example.org"),
    ("99AE00", "els@schelp.example.org"),
    ("99AF00", "frits@golfbreker.example.org"),
)
"""Each school with who writes for it."""

HANDLER = "hanna@stoz.example.org"
ADVISER = "pim@stoz.example.org"
DECIDER = "sanne@stoz.example.org"
FINANCE = "fatima@stoz.example.org"
SECOND = "gijs@stoz.example.org"
COORDINATOR = "corrie@stoz.example.org"

JUDGES = (HANDLER, ADVISER, DECIDER)
STAFF = (HANDLER, ADVISER, DECIDER, FINANCE, SECOND, COORDINATOR)
