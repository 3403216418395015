//! A minimal TextMate engine for the grammar: rules with `match`, and with `begin` and `end`, line by line.

use std::collections::BTreeMap;

use fancy_regex::{Captures, Regex};
use serde_json::Value;

/// A grammar whose patterns are compiled.
pub(crate) struct Grammar {
    rules: Value,
    compiled: BTreeMap<String, Regex>,
}

/// A match of a rule.
struct Found<'r, 't> {
    rule: &'r Value,
    captures: Captures<'t>,
}

impl Grammar {
    /// Compiles all patterns.
    pub(crate) fn new(json: &str) -> Grammar {
        let rules: Value = serde_json::from_str(json).unwrap();
        let mut compiled = BTreeMap::new();
        compile(&rules, &mut compiled);
        Grammar { rules, compiled }
    }

    /// Returns the tokens of a line that have scopes, in order, with the scope.
    pub(crate) fn line(&self, line: &str) -> Vec<(String, String)> {
        let mut tokens = Vec::new();
        self.tokenize(line, 0, &self.rules, "", &mut tokens);
        tokens
    }

    /// Tokenizes the inside of a rule, from `at` up to its end. Returns the offset of the end.
    fn tokenize(
        &self,
        line: &str,
        at: usize,
        inside: &Value,
        scope: &str,
        out: &mut Vec<(String, String)>,
    ) -> usize {
        let mut at = at;
        let mut plain = at;
        loop {
            let end = inside["end"].as_str().and_then(|end| self.find(end, line, at));
            let found = self.first(&inside["patterns"], line, at);
            let end_start = end.as_ref().map_or(usize::MAX, |end| end.get(0).unwrap().start());
            let Some(found) = found.filter(|it| it.captures.get(0).unwrap().start() < end_start) else {
                let stop = end.map_or(line.len(), |end| end.get(0).unwrap().end());
                push(&line[plain..stop], scope, out);
                return stop;
            };
            let (whole, rule) = (found.captures.get(0).unwrap(), found.rule);
            push(&line[plain..whole.start()], scope, out);
            let name = rule["name"].as_str().unwrap_or(scope);
            let captures = if rule["begin"].is_null() { &rule["captures"] } else { &rule["beginCaptures"] };
            match captures.as_object() {
                Some(captures) => {
                    for (number, capture) in captures {
                        if let Some(part) = found.captures.get(number.parse().unwrap()) {
                            push(part.as_str(), capture["name"].as_str().unwrap(), out);
                        }
                    }
                }
                None => push(whole.as_str(), name, out),
            }
            at = match rule["begin"].is_null() {
                true => whole.end(),
                false => self.tokenize(line, whole.end(), rule, name, out),
            };
            assert!(at > whole.start() || at == line.len(), "an empty match in {line}");
            plain = at;
        }
    }

    fn find<'t>(&self, pattern: &str, line: &'t str, at: usize) -> Option<Captures<'t>> {
        self.compiled[pattern].captures_from_pos(line, at).unwrap()
    }

    /// Returns the rule that matches first; of those at the same offset, the first in the list.
    fn first<'r, 't>(&'r self, patterns: &'r Value, line: &'t str, at: usize) -> Option<Found<'r, 't>> {
        let mut best: Option<Found<'r, 't>> = None;
        for rule in patterns.as_array().into_iter().flatten() {
            let rule = match rule["include"].as_str() {
                Some(include) => &self.rules["repository"][include.strip_prefix('#').unwrap()],
                None => rule,
            };
            let pattern = rule["match"].as_str().or(rule["begin"].as_str());
            let found = match pattern {
                Some(pattern) => self.find(pattern, line, at).map(|captures| Found { rule, captures }),
                None if rule["patterns"].is_array() => self.first(&rule["patterns"], line, at),
                None => panic!("a rule without a pattern: {rule}"),
            };
            let start = |found: &Found<'_, '_>| found.captures.get(0).unwrap().start();
            if let Some(found) = found
                && best.as_ref().is_none_or(|best| start(&found) < start(best))
            {
                best = Some(found);
            }
        }
        best
    }
}

fn push(token: &str, scope: &str, out: &mut Vec<(String, String)>) {
    if !token.is_empty() && !scope.is_empty() {
        out.push((token.to_owned(), scope.to_owned()));
    }
}

fn compile(value: &Value, compiled: &mut BTreeMap<String, Regex>) {
    if let Some(object) = value.as_object() {
        for key in ["match", "begin", "end"] {
            if let Some(pattern) = object.get(key).and_then(Value::as_str) {
                let regex = Regex::new(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
                compiled.insert(pattern.to_owned(), regex);
            }
        }
    }
    let inside = value.as_object().into_iter().flat_map(|object| object.values());
    for value in inside.chain(value.as_array().into_iter().flatten()) {
        compile(value, compiled);
    }
}
