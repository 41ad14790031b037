//! What a VWMP plugin author sees.
