//! How fast VSP is, measured
