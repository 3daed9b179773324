//! The shape of the source: who may import whom, how long a file may be, what may not be written at all.
//!
//! Works on the text of `src`, without tests: a file's part from `#[cfg(test)]` + `mod` on, and files and folders
//! whose module is declared under `#[cfg(test)]` may do as they like.

#[cfg(test)]
mod arch {
    use std::fs;
    use std::path::{Path, PathBuf};

    const MAX_LINES: usize = 500;

    /// What a module of the crate may name: other modules of ours (`"oauth::bearer"` allows that part only) and
    /// crates that are otherwise reserved.
    struct Rule {
        module: &'static str,
        ours: &'static [&'static str],
        crates: &'static [&'static str],
    }

    /// The import table. A module that is not listed is an error: decide its place first.
    const RULES: &[Rule] = &[
        Rule { module: "domain", ours: &[], crates: &[] },
        Rule { module: "ports", ours: &["domain"], crates: &[] },
        Rule { module: "tools", ours: &["domain", "ports"], crates: &[] },
        Rule { module: "graph", ours: &["domain", "ports"], crates: &[] },
        Rule { module: "extract", ours: &["domain"], crates: &[] },
        Rule { module: "planner", ours: &["domain"], crates: &[] },
        Rule {
            module: "services",
            ours: &["tools", "graph", "domain", "ports", "extract", "planner"],
            crates: &[],
        },
        Rule { module: "actors", ours: &["domain", "ports"], crates: &["actix"] },
        Rule {
            module: "adapters",
            ours: &["domain", "ports"],
            crates: &["redis", "deadpool_redis", "reqwest"],
        },
        Rule { module: "html", ours: &["domain"], crates: &["actix_web"] },
        Rule {
            module: "oauth",
            ours: &["tools", "domain", "ports", "html"],
            crates: &["actix_web", "actix_web_lab"],
        },
        Rule { module: "edge", ours: &[], crates: &["actix_web"] },
        Rule {
            module: "files",
            ours: &["tools", "domain", "ports", "html", "oauth::limits", "oauth::audit"],
            crates: &["actix_web"],
        },
        Rule {
            module: "mcp",
            ours: &["tools", "domain", "ports", "edge", "oauth::bearer"],
            crates: &["actix_web", "actix_web_lab"],
        },
        Rule {
            module: "openai",
            ours: &["tools", "domain", "ports", "edge", "oauth::bearer"],
            crates: &["actix_web", "actix_web_lab"],
        },
        Rule {
            module: "console",
            ours: &["tools", "domain", "ports", "oauth::bearer", "oauth::audit"],
            crates: &["actix_web", "actix_web_lab"],
        },
        Rule {
            module: "ops",
            ours: &["tools", "domain", "ports", "html", "oauth::bearer"],
            crates: &["actix_web", "actix_web_lab"],
        },
        Rule { module: "sim", ours: &[], crates: &["actix_web", "actix_web_lab", "actix"] },
        Rule { module: "config", ours: &["domain"], crates: &[] },
        Rule { module: "telemetry", ours: &["config", "domain"], crates: &["actix_web"] },
    ];

    /// The composition root and what only starts it: they may name everything.
    const ROOT: [&str; 6] = ["app", "cli", "fuzzing", "lib", "lifecycle", "main"];
    /// Crates that only some modules may name.
    const RESERVED: [&str; 6] = ["actix", "actix_web", "actix_web_lab", "redis", "deadpool_redis", "reqwest"];
    /// The only modules that read the process environment.
    const READS_ENVIRONMENT: [&str; 4] = ["app", "cli", "config", "main"];
    const FORBIDDEN: [&str; 6] = ["todo!(", "unimplemented!(", "dbg!(", "TODO", "FIXME", "for now"];

    struct Source {
        /// Path below `src`, with `/`.
        path: String,
        /// First folder, or the file's stem at the top.
        module: String,
        /// Steps from this file's module up to the crate root.
        depth: usize,
        /// Everything before the tests.
        text: String,
    }

    fn root() -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src")
    }

    fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, files);
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                files.push(path);
            }
        }
    }

    fn sources() -> Vec<Source> {
        let mut files = Vec::new();
        walk(&root(), &mut files);
        assert!(files.len() > 20, "src was not found");
        files.sort();
        let tests: Vec<PathBuf> = files.iter().flat_map(|file| test_modules(file)).collect();
        let is_test = |file: &Path| {
            tests.iter().any(|test| file.starts_with(test) || file == test.with_extension("rs"))
        };
        files.iter().filter(|file| !is_test(file)).map(|file| read(file)).collect()
    }

    /// Paths, without extension, of the modules that `file` declares for tests only.
    fn test_modules(file: &Path) -> Vec<PathBuf> {
        let text = fs::read_to_string(file).unwrap();
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let stem = file.file_stem().unwrap().to_str().unwrap();
        let folder = if ["mod", "lib", "main"].contains(&stem) {
            file.parent().unwrap().to_owned()
        } else {
            file.with_extension("")
        };
        let declared = lines.windows(2).filter(|pair| pair[0] == "#[cfg(test)]").filter_map(|pair| {
            pair[1].strip_suffix(';')?.split_whitespace().skip_while(|word| *word != "mod").nth(1)
        });
        declared.map(|name| folder.join(name)).collect()
    }

    fn read(file: &Path) -> Source {
        let relative = file.strip_prefix(root()).unwrap();
        let path = relative.to_str().unwrap().replace('\\', "/");
        let parts: Vec<&str> = path.trim_end_matches(".rs").split('/').collect();
        let depth = parts.len() - usize::from(parts.last() == Some(&"mod"));
        let text = before_tests(&fs::read_to_string(file).unwrap());
        Source { module: parts[0].to_owned(), depth, text, path }
    }

    /// Cuts at a test module that follows `#[cfg(test)]`.
    fn before_tests(text: &str) -> String {
        let lines: Vec<&str> = text.lines().collect();
        let cut = lines.windows(2).position(|pair| {
            pair[0].trim() == "#[cfg(test)]" && pair[1].trim().starts_with("mod ") && pair[1].ends_with('{')
        });
        lines[..cut.unwrap_or(lines.len())].join("\n")
    }

    /// Code only: line comments and what looks like text stay out of the import check.
    fn code(text: &str) -> String {
        let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Paths below the crate root that the text names: `"oauth::bearer"` for `crate::oauth::bearer::X`.
    fn named_modules(source: &Source) -> Vec<String> {
        let text = code(&source.text);
        let mut starts: Vec<usize> = word_ends(&text, "crate::");
        let up = "super::".repeat(source.depth);
        starts.extend(word_ends(&text, &up));
        starts.iter().flat_map(|start| first_segments(&text[*start..])).collect()
    }

    /// Offsets behind each `word` that does not follow an identifier or a longer path.
    fn word_ends(text: &str, word: &str) -> Vec<usize> {
        let before_is_free = |at: usize| {
            let before = text[..at].chars().next_back();
            !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':' || c == '$')
        };
        let found = text.match_indices(word).filter(|(at, _)| before_is_free(*at));
        found.map(|(at, _)| at + word.len()).collect()
    }

    /// The path that begins here, or every path of the group that begins here; two segments each.
    fn first_segments(text: &str) -> Vec<String> {
        let Some(group) = text.strip_prefix('{') else { return vec![two_segments(text)] };
        let (mut depth, mut start, mut found) = (0, 0, Vec::new());
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => {
                    found.push(two_segments(group[start..at].trim()));
                    return found;
                }
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    found.push(two_segments(group[start..at].trim()));
                    start = at + 1;
                }
                _ => {}
            }
        }
        found
    }

    fn two_segments(path: &str) -> String {
        let end = path.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(path.len());
        path[..end].split("::").filter(|part| !part.is_empty()).take(2).collect::<Vec<_>>().join("::")
    }

    fn rule(module: &str) -> Option<&'static Rule> {
        RULES.iter().find(|rule| rule.module == module)
    }

    #[test]
    fn the_reader_of_imports_sees_what_there_is() {
        let text = "use crate::a::b::C;\nuse crate::{c, d::{E, f::G}};\nfn x(y: crate::oauth::bearer::Z) {}";
        let source = Source { path: String::new(), module: String::new(), depth: 2, text: text.to_owned() };
        assert_eq!(named_modules(&source), ["a::b", "c", "d", "oauth::bearer"]);
        let text = "use super::super::mcp::X;\nuse super::y::Z;\nuse super::super::super::q::W;".to_owned();
        let source = Source { path: String::new(), module: String::new(), depth: 2, text };
        assert_eq!(named_modules(&source), ["mcp::X", "super::q"]);
        assert!(word_ends("let redis::x = deadpool_redis::y", "redis::").len() == 1);
    }

    #[test]
    fn modules_import_only_what_their_layer_may() {
        let mut faults = Vec::new();
        for source in sources() {
            if ROOT.contains(&source.module.as_str()) {
                continue;
            }
            let Some(rule) = rule(&source.module) else {
                faults.push(format!("{}: `{}` has no place in the import table", source.path, source.module));
                continue;
            };
            for named in named_modules(&source) {
                let top = named.split("::").next().unwrap_or_default();
                let is_ours = rule.ours.contains(&top) || rule.ours.contains(&named.as_str());
                if top != source.module && !top.is_empty() && !is_ours {
                    faults.push(format!("{}: `{}` may not name `{named}`", source.path, source.module));
                }
            }
        }
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }

    #[test]
    fn reserved_crates_stay_in_their_layer() {
        let mut faults = Vec::new();
        for source in sources() {
            let Some(rule) = rule(&source.module) else { continue };
            let text = code(&source.text);
            for name in RESERVED.iter().filter(|name| !rule.crates.contains(name)) {
                if !word_ends(&text, &format!("{name}::")).is_empty() {
                    faults.push(format!("{}: only other layers may use the crate `{name}`", source.path));
                }
            }
        }
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }

    #[test]
    fn a_service_knows_no_other_service_and_is_in_the_list() {
        let folder = root().join("services");
        let list = fs::read_to_string(folder.join("mod.rs")).unwrap();
        let mut faults = Vec::new();
        let mut services = Vec::new();
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                services.push(path.file_name().unwrap().to_str().unwrap().to_owned());
            }
        }
        assert!(!services.is_empty());
        for name in services.iter().filter(|name| !list.contains(&format!("mod {name};"))) {
            faults.push(format!("services/mod.rs does not list {name}"));
        }
        for source in sources().iter().filter(|source| source.module == "services") {
            let own = source.path.split('/').nth(1).unwrap_or_default();
            let is_foreign = |name: &&String| own != "mod.rs" && own != name.as_str();
            for other in services.iter().filter(is_foreign).map(|name| format!("services::{name}")) {
                if named_modules(source).contains(&other) {
                    faults.push(format!("{} names {other}", source.path));
                }
            }
        }
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }

    #[test]
    fn files_are_short_and_say_what_they_are_for() {
        let mut faults = Vec::new();
        for source in sources() {
            let lines = source.text.lines().count();
            if lines > MAX_LINES {
                faults.push(format!("{}: {lines} lines, {MAX_LINES} allowed", source.path));
            }
            if !source.text.starts_with("//!") {
                faults.push(format!("{}: no module documentation on the first line", source.path));
            }
        }
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }

    #[test]
    fn only_the_settings_read_the_environment() {
        for source in sources() {
            let text = code(&source.text);
            let reads = ["std::env", "env::var", "env::args"].iter().any(|word| text.contains(word));
            let may = READS_ENVIRONMENT.contains(&source.module.as_str());
            assert!(may || !reads, "{} reads the environment; settings come from `config`", source.path);
        }
    }

    #[test]
    fn nothing_is_left_for_later() {
        for source in sources() {
            for word in FORBIDDEN {
                assert!(!source.text.contains(word), "{} contains `{word}`", source.path);
            }
        }
    }
}
