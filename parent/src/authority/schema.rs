//! `rules schema`: the JSON Schema of a rule file, so that an editor completes and underlines. The
//! compiler is stricter: it also reads expressions. What it takes, the schema takes.

use compiler::pack::{BOUNDARY_KEYS, OUTCOMES, SEVERITIES};
use serde_json::{Value, json};

/// The schema as text.
pub(crate) fn answer() -> String {
    format!("{:#}\n", schema())
}

/// The schema.
pub(crate) fn schema() -> Value {
    let domains: Vec<_> = facts::Domain::ALL.iter().map(|domain| domain.as_str()).collect();
    let jurisdictions: Vec<_> =
        facts::Jurisdiction::ALL.iter().map(|jurisdiction| jurisdiction.as_str()).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Probity rule file",
        "type": "object",
        "required": [
            "id", "version", "title", "jurisdiction", "domain", "effective_from", "citation",
            "examples",
        ],
        "oneOf": [
            { "required": ["cases", "otherwise"] },
            { "required": ["table", "otherwise"] },
            { "required": ["module", "fuel", "reasons"] },
        ],
        "additionalProperties": false,
        "properties": {
            "id": {
                "type": "string", "pattern": "^[a-z0-9][a-z0-9._-]*$", "maxLength": 128,
                "description": "Identifier, such as us.bsa.ctr",
            },
            "version": {
                "type": ["string", "number"], "description": "Version, such as 1.0.0",
            },
            "title": { "type": "string", "description": "One line for people" },
            "jurisdiction": { "enum": jurisdictions },
            "domain": { "enum": domains },
            "effective_from": {
                "type": "string", "format": "date-time",
                "description": "First instant in force",
            },
            "effective_to": {
                "type": "string", "format": "date-time",
                "description": "First instant no longer in force",
            },
            "citation": citation(),
            "params": { "type": "object", "additionalProperties": param() },
            "let": {
                "type": "object", "additionalProperties": expression(),
                "description": "Named expressions; each uses only earlier ones",
            },
            "cases": { "type": "array", "minItems": 1, "items": case() },
            "table": table(),
            "otherwise": decision(&["reason"], &[]),
            "missing": {
                "enum": SEVERITIES, "description": "Severity when a needed fact is absent",
            },
            "evidence": {
                "type": "array", "items": { "enum": evidence() },
                "description": "Facts that an examiner will ask for",
            },
            "lists": ids("Lists that the rule may ask"),
            "calendars": ids("Calendars that the rule may use"),
            "rates": ids("Rate tables that the rule may use"),
            "boundaries": { "type": "array", "items": boundary() },
            "examples": { "type": "array", "minItems": 1, "items": example() },
            "module": { "type": "string", "description": "File of a module made elsewhere" },
            "entry": { "type": "string" },
            "fuel": { "type": "integer", "minimum": 1, "maximum": rules::FUEL_MAX },
            "reasons": { "type": "array", "minItems": 1, "items": reason() },
        },
    })
}

fn expression() -> Value {
    json!({ "type": ["string", "boolean", "number"], "maxLength": 4096 })
}

fn ids(description: &str) -> Value {
    json!({
        "type": "array", "uniqueItems": true, "items": { "type": "string" },
        "description": description,
    })
}

fn evidence() -> Vec<&'static str> {
    facts::FIELDS.iter().map(|field| field.name).chain(["as_of", "history"]).collect()
}

fn citation() -> Value {
    json!({
        "oneOf": [
            { "type": "string" },
            {
                "type": "object",
                "required": ["law", "read", "seen"],
                "additionalProperties": false,
                "properties": {
                    "law": { "type": "string" },
                    "url": { "type": "string", "pattern": "^https?://" },
                    "read": { "type": "string", "format": "date" },
                    "seen": { "enum": ["primary", "secondary"] },
                    "note": { "type": "string" },
                },
            },
        ],
    })
}

fn param() -> Value {
    let types = [
        "int",
        "bool",
        "string",
        "duration",
        "timestamp",
        "decimal",
        "money",
        "country",
        "type",
        "[string]",
        "[country]",
        "[currency]",
        "[int]",
        "[type]",
    ];
    let scalar = json!({ "type": ["string", "number", "boolean"] });
    json!({
        "type": "object",
        "required": ["type", "value"],
        "additionalProperties": false,
        "properties": {
            "type": { "oneOf": [
                { "enum": types },
                { "type": "array", "minItems": 1, "maxItems": 1, "items": { "type": "string" } },
            ] },
            "value": { "oneOf": [scalar, { "type": "array", "items": scalar }] },
        },
    })
}

fn decision(required: &[&str], more: &[(&str, Value)]) -> Value {
    let mut properties = json!({
        "outcome": { "enum": OUTCOMES },
        "severity": { "enum": SEVERITIES },
        "reason": { "type": "string", "description": "Text with {expression} for values" },
    });
    if let Some(properties) = properties.as_object_mut() {
        let more = more.iter().map(|(key, value)| ((*key).to_owned(), value.clone()));
        properties.extend(more);
    }
    json!({
        "type": "object", "required": required, "additionalProperties": false,
        "properties": properties,
    })
}

fn case() -> Value {
    decision(&["when", "outcome", "reason"], &[("when", expression())])
}

fn table() -> Value {
    let bound = json!({ "type": ["string", "number"] });
    let row = decision(
        &["outcome", "reason"],
        &[("from", bound.clone()), ("below", bound), ("when", expression())],
    );
    json!({
        "type": "object",
        "required": ["on", "rows"],
        "additionalProperties": false,
        "properties": {
            "on": expression(),
            "given": expression(),
            "rows": { "type": "array", "minItems": 1, "items": row },
        },
    })
}

fn reason() -> Value {
    json!({
        "type": "object",
        "required": ["severity", "template"],
        "additionalProperties": false,
        "properties": { "severity": { "enum": SEVERITIES }, "template": { "type": "string" } },
    })
}

fn example() -> Value {
    let mut outcomes = OUTCOMES.to_vec();
    outcomes.push("error");
    json!({
        "type": "object",
        "required": ["name", "request", "outcome"],
        "additionalProperties": false,
        "properties": {
            "name": { "type": "string" },
            "request": { "type": "object" },
            "outcome": { "enum": outcomes },
            "reason": { "type": "string" },
        },
    })
}

fn boundary() -> Value {
    let three =
        |items: Value| json!({ "type": "array", "minItems": 3, "maxItems": 3, "items": items });
    let properties = BOUNDARY_KEYS.iter().map(|key| {
        let value = match *key {
            "history" => json!({
                "type": "object", "required": ["repeat"], "additionalProperties": false,
                "properties": { "repeat": { "type": "object" } },
            }),
            "at" => json!({ "type": ["string", "number"] }),
            "outcomes" => three(json!({ "enum": OUTCOMES })),
            "reasons" => three(json!({ "type": "string" })),
            "examples" => json!({ "type": "array", "minItems": 2, "items": { "type": "string" } }),
            _ => json!({ "type": "string" }),
        };
        ((*key).to_owned(), value)
    });
    json!({
        "type": "object",
        "required": ["param"],
        "additionalProperties": false,
        "properties": properties.collect::<serde_json::Map<_, _>>(),
    })
}
