//! Generic VWMP handlers, adapters and workflow types.
