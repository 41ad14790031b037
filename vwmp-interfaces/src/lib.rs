//! What a VWMP plugin author sees.

pub mod template;
