//! Messages that mean harm: entities, depth, size, encodings, broken mark-up, random damage, and
//! the reader against another one.

use facts::ErrorKind;
use serde_json::{Value, json};

use super::{IVMS, PACS, PAIN, Random, body, read_xml, refused_xml, with};
use crate::element::Element;
use crate::{ATTRIBUTES_MAX, DEPTH_MAX, ELEMENTS_MAX, MESSAGE_BYTES_MAX, parse_request, xml};

#[test]
fn mark_up_that_is_not_taken() {
    let laughs = "<?xml version=\"1.0\"?><!DOCTYPE lolz [<!ENTITY lol \"lol\">\
        <!ENTITY lol2 \"&lol;&lol;&lol;&lol;&lol;&lol;\">]><Document>&lol2;</Document>";
    let bad = [
        laughs,
        "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>",
        "<a>&xxe;</a>",
        "<a><![CDATA[x]]></a>",
        "<?php x?><a/>",
        "<a><?x y?></a>",
        "<?xml version=\"1.1\"?><a/>",
        "<?xml version=\"1.0\" encoding=\"UTF-16\"?><a/>",
        "<?xml encoding=\"UTF-8\"?><a/>",
        " <?xml version=\"1.0\"?><a/>",
        "",
        "x",
        "<a>",
        "<a></b>",
        "<a><b></a></b>",
        "</a>",
        "<a/><b/>",
        "<a/>x",
        "<a/><",
        "<a",
        "<a b",
        "<a b=",
        "<a b=c/>",
        "<a b=\"c\"d=\"e\"/>",
        "<a b='1' b='2'/>",
        "<a b='<'/>",
        "<a b='&x;'/>",
        "<a xmlns:x='u' xmlns:y='u' x:b='1' y:b='2'/>",
        "<x:a/>",
        "<a x:b='1'/>",
        "<a xmlns:x=''/>",
        "<a xmlns:xml='u'/>",
        "<a xmlns='http://www.w3.org/2000/xmlns/'/>",
        "<a xmlns='u&amp;v'/>",
        "<x:y:a xmlns:x='u'/>",
        "<1a/>",
        "< a/>",
        "<a / >",
        "<é/>",
        "<a>]]></a>",
        "<a>text<b/></a>",
        "<a><!-- -- --></a>",
        "<a><!-- </a>",
        "<a>&#0;</a>",
        "<a>&#x1F;</a>",
        "<a>&#xD800;</a>",
        "<a>&#x110000;</a>",
        "<a>&#+65;</a>",
        "<a>&#;</a>",
        "<a>&amp</a>",
        "<a>\u{0}</a>",
        "<a>\u{ffff}</a>",
        "<a b='\u{1}'/>",
    ];
    for xml in bad {
        let error = refused_xml(xml, ErrorKind::Message, "message");
        assert!(error.found().contains("at byte"), "{xml}: {error}");
    }
    for xml in ["<a/>", "<a>x</a>", "\u{feff}<a>\n</a >\n<!-- b -->"] {
        assert_eq!(refused_xml(xml, ErrorKind::Message, "message").found(), "0 of them");
    }
    let comment = with(PACS, "Ada &amp;", "Ada<!-- & --> &amp;");
    assert_eq!(read_xml(&comment), read_xml(PACS));
}

#[test]
fn limits_hold() {
    let nested = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
    assert!(xml::read(&nested(DEPTH_MAX)).is_ok());
    for depth in [DEPTH_MAX + 1, 100_000] {
        refused_xml(&nested(depth), ErrorKind::Message, "message");
    }
    let many = |count: usize| format!("<r>{}</r>", "<a/>".repeat(count - 1));
    assert!(xml::read(&many(ELEMENTS_MAX)).is_ok() && xml::read(&many(ELEMENTS_MAX + 1)).is_err());
    let attributes = |count: usize| {
        let all = (0..count).map(|index| format!(" a{index}=\"\""));
        format!("<r{}/>", all.collect::<String>())
    };
    assert!(xml::read(&attributes(ATTRIBUTES_MAX)).is_ok());
    assert!(xml::read(&attributes(ATTRIBUTES_MAX + 1)).is_err());
    let long = format!("<a>{}</a>", "x".repeat(MESSAGE_BYTES_MAX - 6));
    let error = refused_xml(&long, ErrorKind::Message, "message");
    assert_eq!(error.found(), format!("{} bytes", MESSAGE_BYTES_MAX + 1));
    for (open, close) in [("[", "]"), ("{\"Document\":", "}")] {
        for depth in [DEPTH_MAX + 2, 100_000] {
            let value = format!("{{\"a\":{}1{}}}", open.repeat(depth), close.repeat(depth));
            let text = format!(
                r#"{{"message":{value},"format":"iso20022-json",
                "jurisdictions":["US"],"domains":["AML"]}}"#
            );
            let error = parse_request(text.as_bytes()).unwrap_err();
            assert_eq!((error.kind(), error.path()), (ErrorKind::Message, "message"));
        }
    }
    let wide = json!({"Document": vec!["x"; ELEMENTS_MAX]});
    let error = parse_request(&body("iso20022-json", &wide, &Value::Null)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Message);
    let utf16: Vec<u8> = PACS.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(parse_request(&utf16).is_err());
    assert!(read_xml(&String::from_utf8_lossy(&utf16)).is_err());
}

#[test]
fn long_names_are_not_repeated() {
    let name = "n".repeat(100_000);
    for xml in [
        format!("<{name}"),
        format!("<{name}></x>"),
        with(PACS, "<p:Dbtr>", &format!("<{name}/><p:Dbtr>")),
        with(PACS, "<p:Dbtr>", &format!("<p:{name}></p:Dbtr>")),
    ] {
        assert!(read_xml(&xml).unwrap_err().to_string().chars().count() < 600);
    }
}

/// Random damage: nothing panics, and what our reader takes another takes as well.
#[test]
fn damaged_messages_never_panic() {
    let pieces = [
        "<", ">", "/>", "</", "<!--", "-->", "&", "&amp;", "&#65;", "\"", "'", "=", " ", "xmlns",
        "p:", "<p:Nm>", "</p:Nm>", "\u{0}", "é", "]]>", "<?xml", "{", "}", "[", "]", ",", ":", "1",
        "null", "Ccy", "amt",
    ];
    let json = super::payments::twin(PAIN, false).to_string();
    let sources = [(PACS, "x"), (PAIN, "x"), (IVMS, "i"), (&json, "j")];
    let (mut random, mut good, mut both) = (Random(0x2545_f491_4f6c_dd1d), 0, 0);
    for round in 0..3_000 {
        let (source, form) = sources[round % sources.len()];
        let mut text: Vec<char> = source.chars().collect();
        for _ in 0..=random.below(2) {
            let at = random.below(text.len());
            let piece = pieces[random.below(pieces.len())].chars();
            match random.below(3) {
                0 => drop(text.splice(at..at, piece)),
                1 => drop(text.drain(at..(at + random.below(9)).min(text.len()))),
                _ => drop(text.splice(at..at + 1, piece)),
            }
        }
        let text: String = text.into_iter().collect();
        let result = match form {
            "x" => read_xml(&text),
            _ => {
                let format = if form == "i" { "ivms101" } else { "iso20022-json" };
                let body = format!(
                    r#"{{"message":{text},"format":"{format}",
                    "jurisdictions":["US"],"domains":["AML"],
                    "transaction":{}}}"#,
                    if form == "i" {
                        r#"{"id":"1","type":"other","amount":1,"currency":"USD"}"#
                    } else {
                        "null"
                    }
                );
                parse_request(body.as_bytes())
            }
        };
        good += usize::from(result.is_ok());
        if form == "x"
            && let Ok(root) = xml::read(&text)
        {
            both += 1;
            let other = roxmltree::Document::parse(&text).expect("the other reader takes it too");
            assert_same(&root, other.root_element());
        }
    }
    assert!((100..2_900).contains(&good) && both > 100, "{good} good, {both} by both readers");
}

#[test]
fn another_reader_sees_the_same_tree() {
    for xml in [PACS, PAIN] {
        let other = roxmltree::Document::parse(xml).unwrap();
        assert_same(&xml::read(xml).unwrap(), other.root_element());
    }
}

fn assert_same(ours: &Element<'_>, theirs: roxmltree::Node<'_, '_>) {
    assert_eq!(ours.name, theirs.tag_name().name());
    assert_eq!(ours.namespace, theirs.tag_name().namespace().unwrap_or(""));
    let attributes = theirs.attributes().filter(|attribute| attribute.namespace().is_none());
    let attributes: Vec<_> =
        attributes.map(|attribute| (attribute.name(), attribute.value())).collect();
    let own: Vec<_> = ours.attributes.iter().map(|(name, value)| (&**name, &**value)).collect();
    assert_eq!(own, attributes);
    let children: Vec<_> = theirs.children().filter(|child| child.is_element()).collect();
    assert_eq!(ours.children.len(), children.len());
    if children.is_empty() {
        let text = theirs.children().filter_map(|child| child.text().filter(|_| child.is_text()));
        assert_eq!(ours.text, text.collect::<String>());
    }
    ours.children.iter().zip(children).for_each(|(ours, theirs)| assert_same(ours, theirs));
}
