//! Tests over the whole of VWMP, in one binary.

mod architecture;
mod docs;
mod outside;
mod tidy;
