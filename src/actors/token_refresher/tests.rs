//! Tests of the refresher against a scripted identity provider.
