"""Every component says what it must, in both languages, to people who see it and to those who hear it."""

from __future__ import annotations

import gzip
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from lxml import html
from markupsafe import Markup

from fundapp.domain import application, change, flow, payment, tranche
from fundapp.domain.refusal import Refusal, Refused
from fundapp.domain.text import LANGUAGES, Language, Text
from fundapp.web import assets, icons
from fundapp.web.components import PARTS, money_segments, problems
from fundapp.web.present import clock, day_of, long_moment, percent, short_date
from fundapp.web.templating import speak
from tests.support.gallery import ExampleForm, actions

ROOT = Path(__file__).parents[2]
MOMENT = datetime(2025, 3, 14, 16, 0, tzinfo=UTC)


class Stage:
    """Bare Jinja environments, whose language can be switched between two renderings."""

    def __init__(self) -> None:
        self.language: Language = "nl"
        self.envs = {
            one: Environment(loader=FileSystemLoader(ROOT / "templates"), autoescape=True) for one in LANGUAGES
        }
        for language, env in self.envs.items():
            speak(env, language)

    @property
    def env(self) -> Environment:
        return self.envs[self.language]

    def text(self, expression: str, **values: object) -> str:
        return self.env.from_string('{% import "components/ui.html" as ui %}' + expression).render(**values)

    def draw(self, expression: str, **values: object) -> Any:
        return html.fragment_fromstring(self.text(expression, **values), create_parent="div")


@pytest.fixture
def stage() -> Stage:
    return Stage()


def described(root: Any, element: Any) -> str:
    ids = element.get("aria-describedby", "").split()
    found = [root.get_element_by_id(one) for one in ids]
    return " ".join(" ".join(one.text_content().split()) for one in found)


FIELDS = ("text_input", "textarea", "amount_input", "date_input", "select", "file_input")


@pytest.mark.parametrize("macro", FIELDS)
def test_a_field_has_its_label_hint_and_error_tied_to_it(stage: Stage, macro: str) -> None:
    root = stage.draw("{{ ui." + macro + "('cost', 'Bedrag', hint='In euro.', error='Vul een bedrag in.') }}")
    (box,) = root.xpath("//*[@name='cost']")
    (label,) = root.xpath("//label")
    assert label.get("for") == box.get("id") == "cost"
    assert label.text_content() == "Bedrag"
    assert described(root, box).startswith("Fout: Vul een bedrag in.")
    assert "In euro." in described(root, box)
    assert box.get("aria-invalid") == "true"


@pytest.mark.parametrize("macro", ["radios", "checkboxes"])
def test_choices_are_a_group_with_a_legend_and_the_summary_lands_on_the_first(stage: Stage, macro: str) -> None:
    root = stage.draw(
        "{{ ui." + macro + "('partner', 'Doet er een bedrijf mee?', value='no', "
        "choices=[('yes', 'Ja'), ('no', 'Nee')], error='Kies.') }}"
    )
    (group,) = root.xpath("//fieldset")
    assert root.xpath("//legend")[0].text_content() == "Doet er een bedrijf mee?"
    assert described(root, group) == "Fout: Kies."
    assert [one.get("id") for one in root.xpath("//input")] == ["partner", "partner-1"]
    assert root.xpath("//input[@checked]/@value") == ["no"]
    assert all(root.xpath(f"//label[@for='{one.get('id')}']") for one in root.xpath("//input"))


def test_optional_is_said_and_required_is_not(stage: Stage) -> None:
    assert "(niet verplicht)" in stage.text("{{ ui.text_input('a', 'A', optional=True) }}")
    assert "(niet verplicht)" not in stage.text("{{ ui.text_input('a', 'A') }}")
    form = ExampleForm()
    assert "(niet verplicht)" not in stage.text("{{ ui.text_input(form.title) }}", form=form)


def test_a_wtforms_field_shows_its_own_label_error_and_what_was_typed(stage: Stage) -> None:
    form = ExampleForm(data={"amount": "12oo"})
    form.amount.errors = [Text("Dit is geen bedrag.", "This is not an amount.")]
    root = stage.draw("{{ ui.amount_input(form.amount) }}", form=form)
    assert root.xpath("//input/@value") == ["12oo"]
    assert "Dit is geen bedrag." in root.text_content()
    stage.language = "en"
    english = stage.draw("{{ ui.amount_input(form.amount) }}", form=form)
    assert english.xpath("//label")[0].text_content() == "Amount"
    assert "Error: This is not an amount." in " ".join(english.text_content().split())


def test_values_are_escaped(stage: Stage) -> None:
    bad = '"><script>alert(1)</script>'
    for expression in (
        "{{ ui.text_input('a', bad, value=bad, hint=bad, error=bad) }}",
        "{{ ui.status_tag(bad) }}",
        "{{ ui.data_table(bad, [{'label': bad}], [[bad]]) }}",
        "{{ ui.textarea('a', bad, value=bad) }}",
    ):
        assert "<script>" not in stage.text(expression, bad=bad)


def test_the_summary_counts_the_mistakes_and_links_to_each(stage: Stage) -> None:
    form = ExampleForm()
    form.validate()
    root = stage.draw("{{ ui.error_summary(form) }}", form=form)
    (box,) = root.xpath("//*[@role='alert']")
    assert box.get("tabindex") == "-1"
    assert root.xpath("//h2")[0].text_content() == "Er zijn 4 dingen die u moet aanpassen"
    assert root.xpath("//a/@href") == ["#title", "#amount", "#kind", "#agree"]
    one = stage.draw("{{ ui.error_summary([('title', 'Vul een titel in.')]) }}")
    assert one.xpath("//h2")[0].text_content() == "Er is 1 ding dat u moet aanpassen"
    assert stage.text("{{ ui.error_summary([]) }}") == ""


def test_mistakes_are_read_from_any_shape() -> None:
    sentence = Text("Nee.", "No.")
    assert problems(None) == ()
    assert problems(Refused(Refusal("no", sentence, field="a")))[0].field == "a"
    assert problems({"a": "fout"})[0].message == "fout"
    assert problems(sentence)[0].message == sentence
    assert problems(["x", ("b", "y")])[1].field == "b"


@pytest.mark.parametrize("tone", list(flow.Tone))
def test_a_status_is_an_icon_a_word_and_a_tone(stage: Stage, tone: flow.Tone) -> None:
    root = stage.draw("{{ ui.status_tag(label, tone) }}", label=Text("Loopt", "Running"), tone=tone)
    (tag,) = root.xpath("//*[contains(@class, 'tag')]")
    assert f"tone-{tone.value}" in tag.get("class")
    assert tag.text_content() == "Loopt"
    assert tag.xpath("svg[@aria-hidden='true']")


def test_every_state_of_every_flow_has_its_icon() -> None:
    for module in (application, change, payment, tranche):
        for found in (one for one in vars(module).values() if isinstance(one, flow.Flow)):
            assert {look.icon for look in found.looks.values()} <= set(icons.SHAPES), found.kind


def test_open_actions_are_buttons_and_the_others_say_why_not(stage: Stage) -> None:
    root = stage.draw("{{ ui.action_panel(actions) }}", actions=actions())
    assert [one.text_content().strip() for one in root.xpath("//button | //a")] == [
        "Toekennen",
        "Aanhouden",
        "Afwijzen",
    ]
    assert len(root.xpath("//*[contains(@class, 'button-primary')]")) == 1
    assert root.xpath("//form/@action") == ["/a/award", "/a/hold"]
    assert "Nog 1 betaling is niet verwerkt." in root.text_content()
    assert not root.xpath("//*[@disabled]")
    assert stage.text("{{ ui.action_panel([]) }}") == ""


def test_a_table_is_a_named_region_with_headers_and_amounts_to_the_right(stage: Stage) -> None:
    columns = [
        {"label": "Nummer", "sort_href": "?s=1", "sorted": "ascending"},
        {"label": "Bedrag", "kind": "money"},
        {"label": "Dag", "kind": "date"},
    ]
    root = stage.draw(
        "{{ ui.data_table('Betalingen', c, [['A', -5000, d], ['B', none, none]], foot=[['Samen', -5000, '']]) }}",
        c=columns,
        d=date(2025, 3, 14),
    )
    (region,) = root.xpath("//*[@role='region']")
    assert (region.get("aria-label"), region.get("tabindex")) == ("Betalingen", "0")
    assert root.xpath("//caption")[0].text_content() == "Betalingen"
    assert root.xpath("//thead/tr/th/@scope") == ["col"] * 3
    assert root.xpath("//th[@aria-sort]")[0].get("aria-sort") == "ascending"
    assert [one.text_content() for one in root.xpath("//tbody/tr/td")] == ["−€\u00a050,00", "vr 14 mrt 2025", "–", "–"]
    assert root.xpath("//tbody/tr/td[@class='num']")
    assert root.xpath("//tbody/tr/th[@scope='row']")
    assert root.xpath("//tfoot//th")[0].text_content() == "Samen"


def test_a_table_that_stacks_on_a_phone_stays_a_table_for_a_screen_reader(stage: Stage) -> None:
    root = stage.draw(
        "{{ ui.data_table('Projecten', [{'label': 'Naam'}, {'label': 'School'}], [['A', 'B']], stack=True) }}"
    )
    for role in ("table", "rowgroup", "row", "columnheader", "rowheader", "cell"):
        assert root.xpath(f"//*[@role='{role}']"), role
    assert "Geen." in stage.text("{{ ui.data_table('P', [{'label': 'N'}], [], empty='Geen.') }}")


def test_the_money_bar_tells_its_conclusion_and_repeats_its_numbers(stage: Stage) -> None:
    parts = {"settled_paid": 6200000, "committed_paid": 4850000, "committed_due": 5150000, "free": 3800000}
    root = stage.draw("{{ ui.money_bar(parts, 'Er is nog geld vrij', 20000000) }}", parts=parts)
    (bar,) = root.xpath("//svg[@role='img']")
    names = bar.get("aria-labelledby").split()
    assert root.get_element_by_id(names[0]).text_content() == "Er is nog geld vrij"
    assert "Nog vrij: €\u00a038.000,00" in root.get_element_by_id(names[1]).text_content()
    assert len(root.xpath("//tbody/tr")) == len(PARTS)
    assert root.xpath("//tfoot//td")[0].text_content() == "€\u00a0200.000,00"
    assert len(bar.xpath(".//svg")) == 4


def test_the_bar_is_filled_exactly_and_small_parts_can_be_seen() -> None:
    segments = money_segments({"settled_paid": 1, "free": 10**9})
    shown = [one for one in segments if one.cents]
    assert abs(sum(float(one.width.rstrip("%")) for one in segments) - 100) < 0.05
    assert float(shown[0].width.rstrip("%")) > 0.9
    assert all(one.width == "0.00%" for one in money_segments({}))


def test_the_story_lists_say_where_somebody_stands(stage: Stage) -> None:
    timeline = stage.draw(
        "{{ ui.timeline([{'state': 'done', 'when': 'wo 5 mrt', 'title': 'A'}, "
        "{'state': 'now', 'title': 'B'}, {'state': 'next', 'title': 'C'}]) }}"
    )
    assert [one.get("aria-current") for one in timeline.xpath("//li")] == [None, "step", None]
    assert "(klaar)" in timeline.text_content()
    assert "(komt nog)" in timeline.text_content()
    checklist = stage.draw("{{ ui.checklist([{'label': 'Betaald', 'done': False, 'href': '/p'}]) }}")
    assert "Nog niet klaar: Betaald" in checklist.text_content()
    assert checklist.xpath("//a")[0].text_content() == "Naar dit punt: Betaald"
    answers = stage.draw(
        "{{ ui.summary_list([{'label': 'Titel', 'value': 'Lasrobot', 'href': '/t'}, "
        "{'label': 'Datum', 'value': none}]) }}"
    )
    assert answers.xpath("//a")[0].text_content() == "Wijzig Titel"
    assert "Nog niet ingevuld" in answers.text_content()
    tasks = stage.draw(
        "{{ ui.task_list([{'title': 'Begroting', 'href': '/b', 'status': ui.status_tag('Klaar', 'positive')}]) }}"
    )
    assert described(tasks, tasks.xpath("//a")[0]) == "Klaar"


def test_messages_are_announced_and_boxes_have_headings(stage: Stage) -> None:
    assert stage.draw("{{ ui.notice('Opgeslagen', 'success') }}").xpath("//*[@role='status']")
    nothing = stage.draw("{{ ui.what_next(by='vrijdag') }}")
    assert nothing.xpath("//h2")[0].text_content() == "U hoeft nu niets te doen"
    card = stage.draw(
        "{{ ui.card('Fonds', '/f', 'Bekijk', level=3, facts=[('Voor', 'scholen')], deadline='Sluit vrijdag') }}"
    )
    assert card.xpath("//article//h3")[0].text_content() == "Fonds"
    assert card.xpath("//dt")[0].text_content() == "Voor"
    tabs = stage.draw("{{ ui.tabs([('/a', 'Open', 3, true), ('/b', 'Klaar', none, false)], 'Lijst') }}")
    assert tabs.xpath("//nav/@aria-label") == ["Lijst"]
    assert tabs.xpath("//a[@aria-current='page']/@href") == ["/a"]
    assert stage.text("{{ ui.pagination() }}") == ""
    assert stage.draw("{{ ui.pagination(next_href='/n') }}").xpath("//a[@rel='next']")
    letter = stage.draw(
        "{% call ui.letter({'name': 'Fonds'}, ['School'], 'Besluit', d) %}<p>Tekst</p>{% endcall %}", d=MOMENT
    )
    assert letter.xpath("//article/@aria-label") == ["Brief: Besluit"]
    assert "vrijdag 14 maart 2025" in letter.text_content()


def test_moments_read_as_the_clock_in_zeeland() -> None:
    assert long_moment(MOMENT, "nl") == "vrijdag 14 maart 2025, 17.00 uur"
    assert long_moment(MOMENT, "en") == "Friday 14 March 2025, 5:00 pm"
    summer = datetime(2025, 6, 30, 22, 5, tzinfo=UTC)
    assert long_moment(summer, "nl") == "dinsdag 1 juli 2025, 0.05 uur"
    assert clock(summer, "en") == "12:05 am"
    assert short_date(date(2025, 3, 14), "nl") == "vr 14 mrt 2025"
    assert (percent(8000), percent(1250), percent(5), percent(0)) == ("80%", "12,5%", "0,05%", "0%")
    with pytest.raises(ValueError, match="time zone"):
        day_of(datetime(2025, 3, 14, 12, 0))  # noqa: DTZ001  the mistake that is refused


def test_markup_and_nothing_pass_through(stage: Stage) -> None:
    assert (
        stage.text("{{ say(m) }}{{ say(none) }}|{{ none|euro }}{{ none|moment }}", m=Markup("<b>x</b>"))
        == "<b>x</b>|––"
    )


def test_no_template_has_inline_style_or_script() -> None:
    for file in (ROOT / "templates").rglob("*.html"):
        if "mail" in file.parts:
            continue  # mail readers know no style sheets
        source = file.read_text(encoding="utf-8")
        assert not re.search(r"\sstyle=|\son[a-z]+=\"|<script>", source), file


def test_the_error_pages_compile_and_say_what_to_do(stage: Stage) -> None:
    stage.env.undefined = StrictUndefined
    for name in ("403", "404", "409", "410", "500", "refused"):
        source = (ROOT / f"templates/errors/{name}.html").read_text(encoding="utf-8")
        stage.env.get_template(f"errors/{name}.html")
        assert "/hulp" in source or "back_href" in source, name


def test_the_style_sheets_stay_light_and_the_policy_names_the_inline_one() -> None:
    css = ROOT / "fundapp/web/static/css"
    assert len(gzip.compress((css / "core.css").read_bytes())) <= 6 * 1024
    assert len(gzip.compress((ROOT / "fundapp/web/static/js/core.js").read_bytes())) <= 4 * 1024
    assert assets.core_style_source().startswith("'sha256-")
    assert assets.core_style() == (css / "core.css").read_text(encoding="utf-8")


def _luminance(colour: str) -> float:
    parts = "".join(sign * 2 for sign in colour) if len(colour) == 3 else colour
    values = [int(parts[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    r, g, b = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


PAIRS = [
    *((front, back, 4.5) for front in ("ink", "ink-soft", "sea", "visited") for back in ("paper", "sand")),
    *((tone, f"{tone}-bg", 4.5) for tone in ("ok", "info", "wait", "wrong", "plain", "decide")),
    *((front, "sand-deep", 4.5) for front in ("ink", "ink-soft")),
    *(("paper", back, 4.5) for back in ("sea", "sea-deep", "wrong")),
    *((front, "paper", 4.5) for front in ("wrong", "ok")),
    ("ink", "sea-soft", 4.5), ("sea", "sea-soft", 4.5), ("sea-deep", "sea-soft", 4.5), ("head-ink", "head-bg", 4.5),
    ("ink", "ok-bg", 4.5), ("ink", "wait-bg", 4.5), ("ink", "wrong-bg", 4.5),
    ("edge-strong", "paper", 3.0), ("edge-strong", "sand", 3.0), ("focus", "focus-ink", 4.5), ("sun", "head-bg", 3.0),
]  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_pair_of_colours_that_meets_can_be_read(scheme: str) -> None:
    source = (ROOT / "fundapp/web/static/css/core.css").read_text(encoding="utf-8")
    light, dark = (
        source.split("@media (prefers-color-scheme:dark){:root{", 1)[0],
        source.split("{:root{", 1)[1].split("}}", 1)[0],
    )
    tokens = dict(re.findall(r"--([a-z-]+):#([0-9a-f]{3,6})\b", light))
    if scheme == "dark":
        tokens |= dict(re.findall(r"--([a-z-]+):#([0-9a-f]{3,6})\b", dark))
    for front, back, least in PAIRS:
        a, b = sorted((_luminance(tokens[front]), _luminance(tokens[back])), reverse=True)
        assert (a + 0.05) / (b + 0.05) >= least, f"{front} on {back}"
