//! Where `$<…>` begins and ends in a text.
