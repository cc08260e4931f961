//! Whether a statement names one bucket: every table with a bucket that it touches is tied to one and the same parameter.
//!
//! This reads SQL as a list of words, and knows of its grammar no more than our statements use. What it does not
//! understand it refuses.
use std::collections::{BTreeMap, BTreeSet};

/// What a statement does wrong. `tables` are those that have a bucket.
pub fn faults(sql: &str, tables: &[&str]) -> Vec<String> {
    let words = words(sql);
    let scopes = Scopes::of(&words);
    let mut ties = Ties::default();
    let mentions = mentions(&words, &scopes, tables);
    for mention in &mentions {
        ties.add(&mention.key());
    }
    tie_inserts(&words, &scopes, &mentions, &mut ties);
    tie_equalities(&words, &scopes, &mentions, &mut ties);
    let mut faults = Vec::new();
    let mut parameters = BTreeSet::new();
    for mention in &mentions {
        let tied = ties.parameters_of(&mention.key());
        if tied.is_empty() {
            faults.push(format!("{} is not tied to a bucket", mention.name()));
        }
        parameters.extend(tied);
    }
    if parameters.len() > 1 {
        faults.push(format!("several buckets are named: {}", parameters.into_iter().collect::<Vec<_>>().join(", ")));
    }
    faults
}

/// Whether a statement touches one of these tables.
pub fn touches(sql: &str, tables: &[&str]) -> bool {
    let words = words(sql);
    !mentions(&words, &Scopes::of(&words), tables).is_empty()
}

/// Lower-case words, `$1`, and single characters; no strings, comments or casts.
fn words(sql: &str) -> Vec<String> {
    let letters: Vec<char> = sql.chars().collect();
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    let (mut words, mut at) = (Vec::new(), 0);
    while at < letters.len() {
        let rest = &letters[at..];
        let length = match rest {
            ['-', '-', ..] => rest.iter().position(|letter| *letter == '\n').unwrap_or(rest.len()),
            ['\'' | '"', ..] => 2 + rest[1..].iter().position(|letter| *letter == rest[0]).expect("a closing quote"),
            [':', ':', ..] => {
                let name = 2 + rest[2..].iter().take_while(|letter| is_word(**letter)).count();
                name + if rest[name..].starts_with(&['[', ']']) { 2 } else { 0 }
            }
            [first, ..] if is_word(*first) || *first == '$' => {
                1 + rest[1..].iter().take_while(|letter| is_word(**letter)).count()
            }
            _ => 1,
        };
        let text: String = rest[..length].iter().collect();
        let skipped = text.starts_with("--") || text.starts_with([':', '\'', '"']) || text.trim().is_empty();
        if !skipped {
            words.push(text.to_lowercase());
        }
        at += length;
    }
    words
}

/// The brackets around each word.
struct Scopes {
    /// The scope of each word; 0 is the whole.
    of: Vec<usize>,
    parent: Vec<usize>,
    /// Whether it is a statement of its own, and whether an `or` stands directly in it.
    statement: Vec<bool>,
    or: Vec<bool>,
}

impl Scopes {
    fn of(words: &[String]) -> Self {
        let mut scopes = Self { of: Vec::new(), parent: vec![0], statement: vec![true], or: vec![false] };
        let (mut current, mut cases) = (0, vec![0]);
        for (index, word) in words.iter().enumerate() {
            if word == ")" {
                current = scopes.parent[current];
                cases.pop();
            }
            scopes.of.push(current);
            match word.as_str() {
                "(" => {
                    let first = words.get(index + 1).map_or("", String::as_str);
                    scopes.parent.push(current);
                    scopes.statement.push(["select", "insert", "update", "delete", "with"].contains(&first));
                    scopes.or.push(false);
                    cases.push(0);
                    current = scopes.parent.len() - 1;
                }
                "case" => *cases.last_mut().unwrap() += 1,
                "end" => *cases.last_mut().unwrap() -= 1,
                "or" if *cases.last().unwrap() == 0 => scopes.or[current] = true,
                // Another arm is another statement, but we have none that names buckets in several arms.
                "union" | "except" | "intersect" => {}
                _ => {}
            }
        }
        scopes
    }

    /// The statement that a word stands in.
    fn statement_of(&self, word: usize) -> usize {
        let mut scope = self.of[word];
        while !self.statement[scope] {
            scope = self.parent[scope];
        }
        scope
    }

    /// Whether a condition holds for every row of its statement: no `or` beside it or around it.
    fn is_certain(&self, word: usize) -> bool {
        let mut scope = self.of[word];
        loop {
            if self.or[scope] {
                return false;
            }
            if self.statement[scope] {
                return true;
            }
            scope = self.parent[scope];
        }
    }
}

/// A table with a bucket that a statement touches.
#[derive(Debug)]
struct Mention {
    table: String,
    alias: String,
    statement: usize,
    /// The word that names it.
    word: usize,
    inserted: bool,
}

impl Mention {
    fn key(&self) -> String {
        format!("{}#{}{}", self.statement, if self.inserted { "insert " } else { "" }, self.alias)
    }

    fn name(&self) -> String {
        if self.alias == self.table { self.table.clone() } else { format!("{} {}", self.table, self.alias) }
    }
}

fn mentions(words: &[String], scopes: &Scopes, tables: &[&str]) -> Vec<Mention> {
    const BEFORE: [&str; 6] = ["from", "join", "update", "into", "using", ","];
    const NO_ALIAS: [&str; 18] = [
        "where",
        "set",
        "join",
        "left",
        "cross",
        "inner",
        "on",
        "using",
        "group",
        "order",
        "limit",
        "for",
        "returning",
        "values",
        "select",
        "union",
        "as",
        "having",
    ];
    let mut mentions = Vec::new();
    for (index, word) in words.iter().enumerate().skip(1) {
        let next = words.get(index + 1).map_or("", String::as_str);
        if !tables.contains(&word.as_str()) || !BEFORE.contains(&words[index - 1].as_str()) || next == "." {
            continue;
        }
        let inserted = words[index - 1] == "into";
        let named = if next == "as" { words.get(index + 2).map_or("", String::as_str) } else { next };
        let has_alias = !inserted
            && !NO_ALIAS.contains(&named)
            && named.chars().next().is_some_and(|letter| letter.is_alphabetic());
        let alias = if has_alias { named.to_owned() } else { word.clone() };
        mentions.push(Mention {
            table: word.clone(),
            alias,
            statement: scopes.statement_of(index),
            word: index,
            inserted,
        });
    }
    mentions
}

/// `insert into t (bucket, …) values ($1, …)` or `select $1, …` or `select d.bucket, …`.
fn tie_inserts(words: &[String], scopes: &Scopes, mentions: &[Mention], ties: &mut Ties) {
    for mention in mentions.iter().filter(|mention| mention.inserted) {
        let rest = &words[mention.word + 1..];
        if rest.first().is_none_or(|word| word != "(") || rest.get(1).is_none_or(|word| word != "bucket") {
            continue;
        }
        let Some(close) = rest.iter().position(|word| word == ")") else { continue };
        let first = match &rest[close + 1..] {
            [values, open, first @ ..] if values == "values" && open == "(" => first,
            [select, first @ ..] if select == "select" => first,
            _ => continue,
        };
        let at = words.len() - first.len();
        if let Some(key) = bucket_at(words, scopes, mentions, at) {
            ties.tie(&mention.key(), &key);
        }
    }
}

/// `d.bucket = $1`, `bucket = $1`, `e.bucket = d.bucket`.
fn tie_equalities(words: &[String], scopes: &Scopes, mentions: &[Mention], ties: &mut Ties) {
    for (index, word) in words.iter().enumerate() {
        let is_condition = word == "=" && index > 0 && words[index - 1] == "bucket" && scopes.is_certain(index);
        // What is compared with more than one value, such as any(…), is none of these.
        if !is_condition {
            continue;
        }
        let start = if index >= 3 && words[index - 2] == "." { index - 3 } else { index - 1 };
        if let (Some(left), Some(right)) =
            (bucket_at(words, scopes, mentions, start), bucket_at(words, scopes, mentions, index + 1))
        {
            ties.tie(&left, &right);
        }
    }
}

/// What stands here: a parameter, or the bucket of a table.
fn bucket_at(words: &[String], scopes: &Scopes, mentions: &[Mention], at: usize) -> Option<String> {
    let word = |offset: usize| words.get(at + offset).map_or("", String::as_str);
    if word(0).starts_with('$') {
        return Some(word(0).to_owned());
    }
    let alias = match (word(0), word(1), word(2)) {
        (alias, ".", "bucket") => Some(alias),
        ("bucket", ..) => None,
        _ => return None,
    };
    // The nearest statement around that knows the name.
    let mut scope = scopes.of[at];
    loop {
        let here: Vec<&Mention> = mentions
            .iter()
            .filter(|one| one.statement == scope && !one.inserted && alias.is_none_or(|alias| one.alias == alias))
            .collect();
        match here[..] {
            [one] => return Some(one.key()),
            [] if scope != 0 => scope = scopes.parent[scope],
            // Nobody, or several that could be meant.
            _ => return None,
        }
    }
}

/// Which buckets are the same.
#[derive(Default)]
struct Ties(BTreeMap<String, BTreeSet<String>>);

impl Ties {
    fn add(&mut self, key: &str) {
        self.0.entry(key.to_owned()).or_default();
    }

    fn tie(&mut self, one: &str, other: &str) {
        self.0.entry(one.to_owned()).or_default().insert(other.to_owned());
        self.0.entry(other.to_owned()).or_default().insert(one.to_owned());
    }

    fn parameters_of(&self, key: &str) -> BTreeSet<String> {
        let (mut seen, mut next) = (BTreeSet::new(), vec![key.to_owned()]);
        while let Some(one) = next.pop() {
            if seen.insert(one.clone()) {
                next.extend(self.0.get(&one).into_iter().flatten().cloned());
            }
        }
        seen.into_iter().filter(|one| one.starts_with('$')).collect()
    }
}

const TABLES: [&str; 3] = ["deliveries", "enrollments", "attempts"];

#[test]
fn statements_that_name_one_bucket_are_let_through() {
    for good in [
        "select id from deliveries where bucket = $1 and id = any($2)",
        "update deliveries d set state = case when d.a or d.b then 'x' else 'y' end from enrollments e
         where d.bucket = $1 and e.bucket = d.bucket and (d.a or d.b)",
        "insert into attempts (bucket, delivery) select $1, id from unnest($2::uuid[]) as r (id)
         on conflict (bucket, delivery) do update set delivery = excluded.delivery",
        "insert into attempts (bucket, delivery) select d.bucket, d.id from deliveries d where d.bucket = $1::smallint",
        "insert into deliveries (bucket, id) values ($1, $2)",
        "with old as (select id from deliveries where bucket = $1) delete from attempts a using old
         where a.bucket = $1 and a.delivery = old.id",
        "select 1 from deliveries d where d.bucket = $1 and not exists
         (select from enrollments e where e.bucket = d.bucket and (e.a or e.b))",
        "select 'from deliveries' -- from deliveries\n from series where slug = $1",
    ] {
        assert_eq!(faults(good, &TABLES), Vec::<String>::new(), "{good}");
    }
}

#[test]
fn statements_that_do_not_are_found() {
    for (bad, fault) in [
        ("select id from deliveries where id = $1", "deliveries is not tied"),
        ("select id from deliveries where bucket = any($1)", "deliveries is not tied"),
        ("select id from deliveries where bucket > $1", "deliveries is not tied"),
        ("select id from deliveries where bucket = $1 or id = $2", "deliveries is not tied"),
        ("select id from deliveries where ($1 is null or bucket = $1)", "deliveries is not tied"),
        (
            "select 1 from deliveries d join enrollments e on e.id = d.enrollment where d.bucket = $1",
            "enrollments e is not",
        ),
        ("select 1 from deliveries d, enrollments e where d.bucket = $1", "enrollments e is not tied"),
        (
            "select 1 from deliveries d join enrollments e on e.id = d.enrollment where d.bucket = $1 and e.bucket = $2",
            "several",
        ),
        ("with old as (select id from deliveries) delete from attempts where bucket = $1", "deliveries is not tied"),
        (
            "insert into deliveries (bucket, id) select r.bucket, r.id from unnest($1::smallint[], $2::uuid[]) as r (bucket, id)",
            "deliveries is not tied",
        ),
        ("insert into deliveries (id, bucket) values ($1, $2)", "deliveries is not tied"),
        (
            "update enrollments set pruned_at = $2 where bucket = $1 and exists (select from deliveries d where d.id = $3)",
            "deliveries d is not",
        ),
        (
            "select 1 from generate_series(0, 63) b (bucket) join deliveries d on d.bucket = b.bucket",
            "deliveries d is not tied",
        ),
        (
            "select 1 from deliveries d where bucket = $1 and exists (select from deliveries d where d.id = $2)",
            "deliveries d is not tied",
        ),
    ] {
        let found = faults(bad, &TABLES);
        assert!(found.iter().any(|one| one.contains(fault)), "{bad}: {found:?}");
    }
}
