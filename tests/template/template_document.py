"""The template as cfn-lint reads it (short forms turned into the long ones), and lookups in it."""

from __future__ import annotations

from pathlib import Path


class Template:
    """Resources by type, and what references name."""

    def __init__(self, document):
        self.document = document
        self.resources = document["Resources"]
        self.parameters = document["Parameters"]
        self.outputs = document["Outputs"]

    def of_type(self, kind):
        return {
            name: resource.get("Properties", {})
            for name, resource in self.resources.items()
            if resource["Type"] == kind
        }

    @property
    def functions(self):
        return self.of_type("AWS::Serverless::Function")

    def folder(self, function):
        """The folder of a function's code, from the root."""
        resource = self.resources[function]
        if resource["Properties"].get("PackageType") == "Image":
            return Path(resource["Metadata"]["Dockerfile"]).parent
        return Path(resource["Properties"]["CodeUri"])

    def environment(self, function):
        common = self.document["Globals"]["Function"]["Environment"]["Variables"]
        return {**common, **self.functions[function]["Environment"]["Variables"]}

    def events(self, function):
        return self.functions[function].get("Events", {})

    def queue_sources(self):
        """(function, event name, properties) of each queue that feeds a function."""
        return [
            (function, name, event["Properties"])
            for function in self.functions
            for name, event in self.events(function).items()
            if event["Type"] == "SQS"
        ]

    def dead_letter_queues(self):
        return {name for name in self.of_type("AWS::SQS::Queue") if name.endswith("DeadLetterQueue")}


def target(value):
    """The logical id that a value refers to, ``None`` where it refers to none."""
    if isinstance(value, dict) and len(value) == 1:
        ((function, argument),) = value.items()
        if function == "Ref" and not argument.startswith("AWS::"):
            return argument
        if function == "Fn::GetAtt":
            return (argument if isinstance(argument, list) else argument.split("."))[0]
        if function == "Fn::Sub" and isinstance(argument, str) and argument.startswith("${"):
            return argument[2:].split("}")[0].split(".")[0]
    return None


def listed(value):
    """A policy's value as a list: it may stand alone."""
    return value if isinstance(value, list) else [value]
