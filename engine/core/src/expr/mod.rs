//! Expressions (a subset of CEL) and templates (text with `${{ expression }}` in it).
