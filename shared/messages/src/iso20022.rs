//! ISO 20022 credit transfers, pacs.008 and pain.001, to facts: `MAPPING.md` as code. It must
//! never read a message of another kind or version, nor one of several transfers.

use facts::{
    Country, Currency, Date, Draft, ErrorKind, FactsError, Millis, Money, Party, PartyKind,
    TransactionType, shown,
};

use crate::ROOT;
use crate::element::{Element, Node, refused};

/// A message in XML: a document, alone or in an envelope.
pub(crate) fn read_xml(root: &Element<'_>) -> Result<Draft, FactsError> {
    let mut documents = Vec::new();
    find_documents(root, &mut documents);
    let &[document] = &documents[..] else {
        let found = format!("{} of them", documents.len());
        let hint = "send one Document with its namespace declared";
        return Err(refused("one Document of ISO 20022", found, hint).at(ROOT.to_owned()));
    };
    let id = document.namespace.strip_prefix(NAMESPACE).unwrap_or_default();
    let Some(kind) = KINDS.iter().find(|kind| kind.versions.split(' ').any(|known| known == id))
    else {
        let fault = refused(versions(), shown(id), "send a customer credit transfer");
        return Err(fault.at(DOCUMENT.to_owned()));
    };
    check_namespace(document, document.namespace)?;
    let document = Node::new(document, DOCUMENT);
    let message = document.need(kind.root)?;
    document.only(kind.root)?;
    read(kind, &message)
}

/// A message in JSON: the object has one key, `Document`, and that again one.
pub(crate) fn read_json(root: &Element<'_>) -> Result<Draft, FactsError> {
    let root = Node::new(root, ROOT);
    root.only("Document")?;
    let document = root.need("Document")?;
    for kind in &KINDS {
        if let Some(message) = document.one(kind.root)? {
            document.only(kind.root)?;
            return read(kind, &message);
        }
    }
    document.only(ROOTS)?;
    Err(document.fault(refused("a credit transfer", "nothing", "complete the message")))
}

/// A kind of message that is read.
struct Kind {
    root: &'static str,
    /// Identifiers, a blank between them.
    versions: &'static str,
    is_interbank: bool,
}

fn read(kind: &Kind, message: &Node<'_>) -> Result<Draft, FactsError> {
    let header = message.need("GrpHdr")?;
    let count = header.need("NbOfTxs")?;
    if count.leaf()?.trim_start_matches('0') != "1" {
        let found = shown(count.leaf()?);
        return Err(count.fault(refused("one transaction", found, SPLIT)));
    }
    let payment = if kind.is_interbank { *message } else { single(message, "PmtInf")? };
    let transfer = single(&payment, "CdtTrfTxInf")?;
    let debtor = if kind.is_interbank { &transfer } else { &payment };
    let reference = transfer.text("PmtId/EndToEndId", "reference")?;
    let reference = reference.filter(|text| text != "NOTPROVIDED");
    let mut draft = Draft::default();
    draft.id = match transfer.text("PmtId/UETR", "id")? {
        None => transfer.text("PmtId/TxId", "id")?.or_else(|| reference.clone()),
        uetr => uetr,
    };
    draft.kind = Some(TransactionType::WireTransfer);
    draft.amount = Some(amount(kind, &transfer)?);
    draft.timestamp = header.parsed("CreDtTm", zoned)?.flatten();
    draft.reference = reference;
    draft.purpose = purpose(&transfer)?;
    draft.source = party(debtor, "Dbtr", "DbtrAcct", "DbtrAgt")?;
    draft.destination = party(&transfer, "Cdtr", "CdtrAcct", "CdtrAgt")?;
    Ok(draft)
}

fn single<'t>(parent: &Node<'t>, name: &str) -> Result<Node<'t>, FactsError> {
    if parent.all(name)?.count() > 1 {
        return Err(parent.fault(refused(format!("one {name}"), "several", SPLIT)));
    }
    parent.need(name)
}

fn amount(kind: &Kind, transfer: &Node<'_>) -> Result<Money, FactsError> {
    if let Some(equivalent) = transfer.find("Amt/EqvtAmt")? {
        let hint = "state the amount in the currency of the transfer, as InstdAmt";
        return Err(equivalent.fault(refused("InstdAmt", "EqvtAmt", hint)));
    }
    let amount =
        transfer.need(if kind.is_interbank { "IntrBkSttlmAmt" } else { "Amt/InstdAmt" })?;
    let currency = amount.attribute("Ccy").ok_or_else(|| amount.fault(no_amount()))?;
    let money = Currency::parse(currency).and_then(|code| Money::parse(amount.leaf()?, code));
    money.map_err(|fault| amount.fault(fault))
}

/// The time, or `None` for one without a zone, which says no point in time.
fn zoned(text: &str) -> Result<Option<Millis>, FactsError> {
    let (_, time) = text.split_once('T').unwrap_or_default();
    if time.contains(['Z', '+', '-']) {
        return Millis::parse(text).map(Some);
    }
    Millis::parse(&format!("{text}Z")).map(|_| None)
}

/// The unstructured remittance information, else the purpose's code, else its own words.
fn purpose(transfer: &Node<'_>) -> Result<Option<String>, FactsError> {
    let information = transfer.one("RmtInf")?;
    let lines = information.map(|at| at.joined(&["Ustrd"], [" ", " "], "purpose")).transpose()?;
    if let Some(text) = lines.flatten() {
        return Ok(Some(text));
    }
    match transfer.text("Purp/Cd", "purpose")? {
        None => transfer.text("Purp/Prtry", "purpose"),
        code => Ok(code),
    }
}

fn party(at: &Node<'_>, name: &str, account: &str, agent: &str) -> Result<Party, FactsError> {
    let mut party = Party::default();
    if let Some(holder) = at.one(name)? {
        read_holder(&holder, &mut party)?;
    }
    if let Some(account) = at.one(account)? {
        let other = account.text("Id/Othr/Id", "account")?;
        party.account = account.text("Id/IBAN", "account")?;
        if let (Some(_), Some(other)) = (&party.account, &other) {
            let hint = "keep one of them";
            return Err(account.fault(refused("IBAN or Othr", shown(other), hint)));
        }
        let iban_country = party.account.as_ref().and_then(|iban| iban.get(..2));
        let iban_country = iban_country.and_then(|code| Country::parse(code).ok());
        party.country = party.country.or(iban_country);
        party.account = party.account.or(other);
    }
    if let Some(institution) = at.find(&format!("{agent}/FinInstnId"))? {
        for path in ["BICFI", "LEI", "ClrSysMmbId/MmbId", "Nm"] {
            let text = institution.text(path, "institution")?;
            party.institution = party.institution.or(text);
        }
        let of_bic = institution.parsed("BICFI", bic_country)?.flatten();
        party.institution_country = institution.parsed("PstlAdr/Ctry", Country::parse)?.or(of_bic);
    }
    Ok(party)
}

fn read_holder(holder: &Node<'_>, party: &mut Party) -> Result<(), FactsError> {
    party.name = holder.text("Nm", "name")?;
    let residence = holder.parsed("CtryOfRes", Country::parse)?;
    party.country = holder.parsed("PstlAdr/Ctry", Country::parse)?.or(residence);
    if let Some(place) = holder.one("PstlAdr")? {
        party.address = place.address(&ADDRESS_GROUPS, "Ctry")?;
    }
    let Some(id) = holder.one("Id")? else { return Ok(()) };
    let (person, organisation) = (id.one("PrvtId")?, id.one("OrgId")?);
    let (kind, id) = match (person, organisation) {
        (Some(_), Some(_)) => {
            return Err(id.fault(refused("PrvtId or OrgId", "both", "keep one of them")));
        }
        (Some(person), None) => (PartyKind::Person, person),
        (None, Some(organisation)) => (PartyKind::Organisation, organisation),
        (None, None) => return Ok(()),
    };
    party.kind = Some(kind);
    if kind == PartyKind::Organisation {
        party.lei = id.text("LEI", "lei")?;
    } else if let Some(birth) = id.one("DtAndPlcOfBirth")? {
        party.birth_date = birth.parsed("BirthDt", Date::parse)?;
        let place = "CityOfBirth PrvcOfBirth CtryOfBirth";
        party.birth_place = birth.joined(&[place], [", ", ", "], "birth_place")?;
    }
    for other in id.all("Othr")? {
        let is_customer = other.text("SchmeNm/Cd", "id")?.is_some_and(|code| code == "CUST");
        let fact = if is_customer { &mut party.customer_id } else { &mut party.document };
        let Some(text) = other.text("Id", "document")? else { continue };
        // All of them, so that none hides behind another.
        let all = fact.take().map_or(text.clone(), |known| format!("{known}; {text}"));
        if all.len() > facts::TEXT_BYTES_MAX {
            let expected = format!("identifiers of {} bytes in all", facts::TEXT_BYTES_MAX);
            let found = format!("{} bytes", all.len());
            return Err(other.fault(refused(expected, found, "send fewer")));
        }
        *fact = Some(all);
    }
    Ok(())
}

/// The country inside a BIC: its fifth and sixth letters. Some, such as XK, are not of ISO 3166.
fn bic_country(bic: &str) -> Result<Option<Country>, FactsError> {
    let is_bic = matches!(bic.len(), 8 | 11) && bic.bytes().all(|b| b.is_ascii_alphanumeric());
    match bic.get(4..6) {
        Some(country) if is_bic => Ok(Country::parse(country).ok()),
        _ => {
            let (expected, hint) = ("a BIC of 8 or 11 characters", "correct the BIC");
            Err(FactsError::new(ErrorKind::Text, expected, shown(bic), hint))
        }
    }
}

/// Documents of ISO 20022 anywhere in an envelope, not looked for inside each other.
fn find_documents<'t>(element: &'t Element<'t>, documents: &mut Vec<&'t Element<'t>>) {
    if element.name == "Document" {
        documents.push(element);
        return;
    }
    element.children.iter().for_each(|child| find_documents(child, documents));
}

/// Refuses elements of other namespaces but under `SplmtryData`, where schemas allow them.
fn check_namespace(element: &Element<'_>, namespace: &str) -> Result<(), FactsError> {
    for child in &element.children {
        if child.namespace != namespace {
            let found = format!("{} of namespace {}", shown(&child.name), shown(child.namespace));
            let fault = refused(format!("namespace {namespace}"), found, "use the document's own");
            return Err(fault.at(DOCUMENT.to_owned()));
        }
        if child.name != "SplmtryData" {
            check_namespace(child, namespace)?;
        }
    }
    Ok(())
}

fn versions() -> String {
    KINDS.map(|kind| kind.versions).join(" ").replace(' ', ", ")
}

fn no_amount() -> FactsError {
    let (expected, found) = ("an amount with its currency", "an amount without");
    let hint = "give the currency as Ccy; in JSON amt and Ccy are strings";
    FactsError::new(ErrorKind::MissingField, expected, found, hint)
}

/// Where a document is said to stand, whatever its envelope.
const DOCUMENT: &str = "message/Document";
const NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:";
const SPLIT: &str = "split the message: one transfer in each request";

/// Parts of an address, those together that one blank separates.
const ADDRESS_GROUPS: [&str; 13] = [
    "Dept",
    "SubDept",
    "StrtNm BldgNb",
    "BldgNm",
    "Flr",
    "UnitNb",
    "PstBx",
    "Room",
    "PstCd TwnNm",
    "TwnLctnNm",
    "DstrctNm",
    "CtrySubDvsn",
    "AdrLine",
];
const ROOTS: &str = "FIToFICstmrCdtTrf CstmrCdtTrfInitn";
/// The messages that are read, by name.
const KINDS: [Kind; 2] = [
    Kind {
        root: "FIToFICstmrCdtTrf",
        versions: "pacs.008.001.08 pacs.008.001.09 pacs.008.001.10 pacs.008.001.11 \
                   pacs.008.001.12 pacs.008.001.13",
        is_interbank: true,
    },
    Kind {
        root: "CstmrCdtTrfInitn",
        versions: "pain.001.001.09 pain.001.001.10 pain.001.001.11 pain.001.001.12",
        is_interbank: false,
    },
];
