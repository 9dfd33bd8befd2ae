"""The command line: parse, call one use case, present."""

from sla_sniper.cli.app import main

__all__ = ["main"]
