//! Tests over the whole of VWMP, in one binary.

mod architecture;
mod tidy;
