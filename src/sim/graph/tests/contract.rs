//! Contract with the description of Graph.
