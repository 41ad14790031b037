//! Tests over the whole of VWMP, in one binary.

mod architecture;
mod cases;
mod tidy;
