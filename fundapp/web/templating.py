"""Templates, compiled once for each language: what a template says in both is settled when it is compiled.

A page says some two hundred things. Choosing the language of each while the page is made costs as much as all the rest
of its template; compiled, `t("Nee", "No")` is one of the two words, a piece of the text around it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import MutableMapping
from keyword import iskeyword
from pathlib import Path
from typing import Any

import flask.templating
from jinja2 import Environment, FileSystemBytecodeCache, Template, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.visitor import NodeTransformer
from markupsafe import Markup, escape

from fundapp.domain.text import LANGUAGES, Language
from fundapp.web import present

_SPECIAL = re.compile("[&<>\"']").search

_OURS = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:8]
"""Compiled templates are kept between starts; what another version of this file compiled is not used."""


def shown(value: object) -> str:
    """Return what a template shows, escaped. Most is plain: to make Markup of that takes eight times as long."""
    if type(value) is str and not _SPECIAL(value):
        return value
    return value if type(value) is Markup else escape(value)


class _Said(NodeTransformer):
    """Puts one of the two for `t(nl, en)`, and for `say(text)` the filter of that name: that costs less than a call."""

    def __init__(self, language: Language) -> None:
        self._number = LANGUAGES.index(language)

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # noqa: N802  (Jinja's name)
        """Jinja calls it for every call in a template."""
        self.generic_visit(node)
        name = node.node.name if isinstance(node.node, nodes.Name) else None
        if name == "t" and len(node.args) == len(LANGUAGES):
            return node.args[self._number]
        if name == "say" and len(node.args) == 1:
            said = node.args[0]
            if isinstance(said, nodes.Const) and isinstance(said.value, str):
                return said
            return nodes.Filter(said, "say", [], [], None, None, lineno=node.lineno, environment=node.environment)
        return node


class _Compiler(CodeGenerator):
    """Jinja's compiler for one language, which calls a function as it stands.

    Jinja first looks whether a function wants the template's context. None of ours does, and looking takes longer than
    most of them.
    """

    language: Language

    def visit_Template(self, node: nodes.Template, frame: Frame | None = None) -> None:  # noqa: N802  (Jinja's names)
        """Compile a template."""
        self.writeline(f"from {__name__} import {shown.__name__}")
        super().visit_Template(_Said(self.language).visit(node), frame)

    def visit_Call(self, node: nodes.Call, frame: Frame, forward_caller: bool = False) -> None:  # noqa: N802
        """Write a call."""
        if node.dyn_args or node.dyn_kwargs or any(iskeyword(named.key) for named in node.kwargs):
            super().visit_Call(node, frame, forward_caller=forward_caller)
            return
        self.visit(node.node, frame)
        self.write("(")
        for argument in (*node.args, *node.kwargs):
            self.visit(argument, frame)
            self.write(", ")
        self.write("caller=caller)" if forward_caller else ")")

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape or finalize.src is not None:
            super()._output_child_pre(node, frame, finalize)
        else:
            self.write(f"{shown.__name__}(")


class _Dutch(_Compiler):
    language = "nl"


class _English(_Compiler):
    language = "en"


_COMPILERS: dict[Language, type[_Compiler]] = {"nl": _Dutch, "en": _English}


def speak(env: Environment, language: Language) -> None:
    """Make an environment speak one language, before it compiles its first template."""
    env.code_generator_class = _COMPILERS[language]
    if isinstance(env.bytecode_cache, FileSystemBytecodeCache):
        env.bytecode_cache = FileSystemBytecodeCache(env.bytecode_cache.directory, f"{language}-{_OURS}-%s.cache")
    present.install(env, language)


class Pages(flask.templating.Environment):
    """The templates of an application: an environment for each language, made when a page first asks for it.

    The application's extension "language" returns the language of the page now being made.
    """

    def __init__(self, app: Any, **options: Any) -> None:
        super().__init__(app, **{"cache_size": -1} | options)  # all of them: looking in a dict is all that is left
        self._speaking: dict[Language, Environment] = {}

    def get_or_select_template(self, *args: Any, **more: Any) -> Template:
        """Return a template in the language of the page: what `flask.render_template` asks for."""
        if self.overlayed:
            return super().get_or_select_template(*args, **more)
        language = self.app.extensions["language"]()
        found = self._speaking.get(language)
        if found is None:
            found = self.overlay()
            found.globals, found.filters = dict(self.globals), dict(self.filters)
            speak(found, language)
            self._speaking[language] = found
        return found.get_or_select_template(*args, **more)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return an attribute, as Jinja does; of a plain dict first the key, where Jinja would try and fail."""
        if type(obj) is dict and attribute in obj:
            return obj[attribute]
        try:
            return getattr(obj, attribute)
        except AttributeError:
            return super().getattr(obj, attribute)

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """Return the globals of a template. Without any of its own, a plain dict instead of Jinja's slower chain."""
        return super().make_globals(d) if d else self.globals
