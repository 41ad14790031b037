//! Tests over the whole of VWMP, in one binary.

mod architecture;
mod cases;
mod examples;
mod explain;
mod handlers;
mod injection;
mod limits;
mod path;
mod release;
mod repository;
mod tidy;
