//! The VWMP command line as a library.
