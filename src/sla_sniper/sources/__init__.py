"""One module a format, all behind one `Source` protocol."""

from sla_sniper.sources.interface import RawBatch, Refusal, Source
from sla_sniper.sources.opening import ENDINGS, open_source

__all__ = ["ENDINGS", "RawBatch", "Refusal", "Source", "open_source"]
