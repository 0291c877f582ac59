"""Who plays in the worked case, and what they write."""

from __future__ import annotations

from typing import Any

from fundapp.services.demo import story

ANNA, BRAM = "anna@ozobot.example.org", "bram@zeebries.example.org"
CARLA, DAAN = "carla@kompas.example.org", "daan@vuurtoren.example.org"
ELS, FRITS, GREET = "els@schelp.example.org", "frits@golfbreker.example.org", "greet@deltacollege.example.org"
HANNA, PIM, SANNE = "hanna@stoz.example.org", "pim@stoz.example.org", "sanne@stoz.example.org"
FATIMA, GIJS, CORRIE = "fatima@stoz.example.org", "gijs@stoz.example.org", "corrie@stoz.example.org"

T1 = ("PO-T1-01", "PO-T1-02", "PO-T1-03", "PO-T1-04")
SHEETS: dict[str, dict[str, Any]] = {sheet["ref"]: sheet for sheet in story()["applications"]}
"""What each school writes, by the reference of its application."""
