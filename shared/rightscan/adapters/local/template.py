"""CloudFormation templates: reading the YAML and resolving intrinsic functions to local names.

On one machine a resource has no address; it is known by its logical id, a bucket by the lower-case head of
it (``UploadsBucket`` is ``uploads``). ``Ref`` and every ``GetAtt`` of a resource resolve to that name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from rightscan.errors import PermanentError

_PSEUDO_PARAMETERS = {
    "AWS::AccountId": "000000000000",
    "AWS::Partition": "aws",
    "AWS::Region": "local",
    "AWS::StackName": "rightscan",
    "AWS::URLSuffix": "localhost",
}
_NOTHING = object()  # what AWS::NoValue resolves to: the property is not there


class _Loader(yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader):  # type: ignore[misc]
    """YAML with CloudFormation's short forms, turned into the long ones (``!Sub x`` to ``Fn::Sub``)."""


def _short_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _short_form)


class Template:
    """A template with its parameters set.

    Args:
        path: the file.
        parameters: values of parameters; the others have their defaults.

    Raises:
        PermanentError: code ``bad_template`` where the file cannot be read as a template.
    """

    def __init__(self, path: Path, parameters: Mapping[str, str] | None = None) -> None:
        self.path = path
        try:
            document = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 (a SafeLoader)
        except (OSError, yaml.YAMLError) as error:
            raise PermanentError(
                "bad_template", f"{path}: {error}", "Check the template with cfn-lint."
            ) from error
        if not isinstance(document, dict) or not isinstance(document.get("Resources"), dict):
            raise PermanentError(
                "bad_template", f"{path} has no Resources", "Name the project's template.yaml."
            )
        self._document: dict[str, Any] = document
        defaults = {
            name: definition["Default"]
            for name, definition in document.get("Parameters", {}).items()
            if "Default" in definition
        }
        self._parameters: dict[str, Any] = {**_PSEUDO_PARAMETERS, **defaults, **(parameters or {})}
        self._functions: dict[str, Callable[[Any, str], Any]] = {
            "Ref": self._ref,
            "Condition": self._condition,
            "Fn::GetAtt": lambda value, where: self._resource_name(value[0], where),
            "Fn::Sub": self._sub,
            "Fn::If": self._if,
            "Fn::Join": self._join,
            "Fn::FindInMap": self._find_in_map,
            "Fn::Select": lambda value, where: self._resolve(value[1], where)[
                int(self._resolve(value[0], where))
            ],
            "Fn::Equals": lambda value, where: (
                self._resolve(value[0], where) == self._resolve(value[1], where)
            ),
            "Fn::And": lambda value, where: all([self._resolve(part, where) for part in value]),
            "Fn::Or": lambda value, where: any([self._resolve(part, where) for part in value]),
            "Fn::Not": lambda value, where: not self._resolve(value[0], where),
        }
        self.resources: dict[str, dict[str, Any]] = {
            name: resource
            for name, resource in document["Resources"].items()
            if "Condition" not in resource or self._condition(resource["Condition"], name)
        }
        """The resources that exist under these parameters, by logical id, unresolved."""

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """The ``Properties`` of all resources of a type, by logical id, unresolved."""
        return {
            name: resource.get("Properties", {})
            for name, resource in self.resources.items()
            if resource.get("Type") == kind
        }

    def globals_for(self, kind: str) -> dict[str, Any]:
        """SAM's ``Globals`` for ``Function`` and the like, unresolved."""
        found: dict[str, Any] = self._document.get("Globals", {}).get(kind, {})
        return found

    def resolve(self, value: Any, where: str) -> Any:
        """The value with every intrinsic function in it replaced; ``None`` for ``AWS::NoValue``.

        Args:
            value: a part of the template.
            where: names resource and property for the error.

        Raises:
            PermanentError: code ``unresolvable``: a function that has no meaning here, or a name that is
                neither a resource nor a parameter with a value.
        """
        resolved = self._resolve(value, where)
        return None if resolved is _NOTHING else resolved

    def _resolve(self, value: Any, where: str) -> Any:
        if isinstance(value, dict):
            if len(value) == 1:
                ((name, argument),) = value.items()
                if name in self._functions:
                    try:
                        return self._functions[name](argument, where)
                    except (IndexError, KeyError, TypeError, ValueError) as error:
                        raise _unresolvable(where, f"{name} {argument!r}") from error
                if str(name).startswith("Fn::"):
                    raise _unresolvable(where, f"{name} {argument!r}")
            resolved = {key: self._resolve(part, f"{where}.{key}") for key, part in value.items()}
            return {key: part for key, part in resolved.items() if part is not _NOTHING}
        if isinstance(value, list):
            parts = [self._resolve(part, where) for part in value]
            return [part for part in parts if part is not _NOTHING]
        if isinstance(value, str) and "{{resolve:" in value:
            raise _unresolvable(where, value)
        return value

    def _ref(self, name: str, where: str) -> Any:
        if name == "AWS::NoValue":
            return _NOTHING
        return self._parameters[name] if name in self._parameters else self._resource_name(name, where)

    def _resource_name(self, name: str, where: str) -> str:
        if name not in self.resources:
            raise _unresolvable(where, f"{name} (no resource and no parameter with a value)")
        if self.resources[name].get("Type") == "AWS::S3::Bucket":
            return name.removesuffix("Bucket").lower()
        return name

    def _condition(self, name: str, where: str) -> bool:
        return bool(self._resolve(self._document["Conditions"][name], f"Conditions.{name} of {where}"))

    def _if(self, value: list[Any], where: str) -> Any:
        name, then, otherwise = value
        return self._resolve(then if self._condition(name, where) else otherwise, where)

    def _join(self, value: list[Any], where: str) -> str:
        separator, parts = value
        return str(separator).join(str(part) for part in self._resolve(parts, where))

    def _sub(self, value: Any, where: str) -> str:
        text, local = (value, {}) if isinstance(value, str) else (value[0], value[1])

        def replace(found: re.Match[str]) -> str:
            name = found[1]
            if name.startswith("!"):
                return f"${{{name[1:]}}}"
            if name in local:
                return str(self._resolve(local[name], where))
            return str(self._ref(name.split(".", 1)[0], where))

        return re.sub(r"\$\{([^}]+)\}", replace, text)

    def _find_in_map(self, value: list[Any], where: str) -> Any:
        name, first, second = (self._resolve(part, where) for part in value)
        return self._document["Mappings"][name][first][second]


def _unresolvable(where: str, what: str) -> PermanentError:
    return PermanentError(
        "unresolvable",
        f"{where}: the local runtime cannot resolve {what}",
        "Give it a parameter with a default, or teach adapters.local.template the function.",
    )
