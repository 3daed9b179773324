//! conformance_wire
