#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| entrada::fuzzing::entra_answer(data));
