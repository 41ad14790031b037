//! Tests over the whole of VWMP.
