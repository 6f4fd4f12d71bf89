//! IVMS101, the travel rule's data, in the payload versions 2020 and 2023, to facts about the
//! parties of a transfer. It must never ignore a key that the standard does not have, nor one of
//! several persons.

use facts::{Country, Date, Draft, FactsError, Party, PartyKind, TransactionType, shown};

use crate::ROOT;
use crate::element::{Element, Node, refused};

/// What the payload says of the parties; `kind` is the transaction's, as the body gives it.
pub(crate) fn read(root: &Element<'_>, kind: Option<TransactionType>) -> Result<Draft, FactsError> {
    let root = Node::new(root, ROOT);
    root.only(ROOT_KEYS)?;
    let is_crypto = kind == Some(TransactionType::CryptoTransfer);
    let mut draft = Draft::default();
    draft.source = party(&root, "originator", "originatingVASP", is_crypto)?;
    draft.destination = party(&root, "beneficiary", "beneficiaryVASP", is_crypto)?;
    Ok(draft)
}

fn party(
    root: &Node<'_>,
    role: &str,
    provider: &'static str,
    is_crypto: bool,
) -> Result<Party, FactsError> {
    let mut party = Party::default();
    if let Some(side) = root.one(role)? {
        let (v2020, v2023) = match role {
            "originator" => ("originatorPersons", "originatorPerson"),
            _ => ("beneficiaryPersons", "beneficiaryPerson"),
        };
        side.only(match role {
            "originator" => "originatorPersons originatorPerson accountNumber",
            _ => "beneficiaryPersons beneficiaryPerson accountNumber",
        })?;
        let (person, other) = (side.one(v2020)?, side.one(v2023)?);
        if let (Some(_), Some(other)) = (&person, &other) {
            return Err(other.fault(refused("one of both keys", "both", "keep one of them")));
        }
        if let Some(person) = person.or(other) {
            read_person(&person, &mut party)?;
        }
        party.account = side.text("accountNumber", "account")?;
        party.wallet = party.account.clone().filter(|_| is_crypto);
    }
    if let Some(outer) = root.one(provider)? {
        // The schema nests the key in itself; some senders leave that out.
        let inner = outer.one(provider)?;
        if inner.is_some() {
            outer.only(provider)?;
        }
        let mut institution = Party::default();
        read_person(&inner.unwrap_or(outer), &mut institution)?;
        party.institution = institution.name;
        party.institution_country = institution.country;
    }
    Ok(party)
}

fn read_person(person: &Node<'_>, party: &mut Party) -> Result<(), FactsError> {
    person.only("naturalPerson legalPerson")?;
    let (natural, legal) = (person.one("naturalPerson")?, person.one("legalPerson")?);
    let country = match (natural, legal) {
        (Some(natural), None) => {
            natural.only(NATURAL_KEYS)?;
            party.kind = Some(PartyKind::Person);
            party.name = name(&natural, NATURAL_NAME)?;
            if let Some(birth) = natural.one("dateAndPlaceOfBirth")? {
                birth.only("dateOfBirth placeOfBirth")?;
                party.birth_date = birth.parsed("dateOfBirth", Date::parse)?;
                party.birth_place = birth.text("placeOfBirth", "birth_place")?;
            }
            read_common(&natural, party)?;
            natural.parsed("countryOfResidence", Country::parse)?
        }
        (None, Some(legal)) => {
            legal.only(LEGAL_KEYS)?;
            party.kind = Some(PartyKind::Organisation);
            party.name = name(&legal, LEGAL_NAME)?;
            read_common(&legal, party)?;
            legal.parsed("countryOfRegistration", Country::parse)?
        }
        _ => {
            let hint = "give one of both";
            return Err(person.fault(refused("naturalPerson or legalPerson", "not one", hint)));
        }
    };
    party.country = party.country.or(country);
    Ok(())
}

/// What both kinds of person have.
fn read_common(person: &Node<'_>, party: &mut Party) -> Result<(), FactsError> {
    let number = person.text("customerNumber", "customer_id")?;
    party.customer_id = person.text("customerIdentification", "customer_id")?;
    if let (Some(_), Some(number)) = (&party.customer_id, &number) {
        return Err(person.fault(refused("one of both keys", shown(number), "keep one of them")));
    }
    party.customer_id = party.customer_id.take().or(number);
    if let Some(id) = person.one("nationalIdentification")? {
        id.only(ID_KEYS)?;
        let is_lei = id.text("nationalIdentifierType", "id")?.is_some_and(|kind| kind == "LEIX");
        let (fact, text) = match is_lei {
            true => (&mut party.lei, id.text("nationalIdentifier", "lei")?),
            false => (&mut party.document, id.text("nationalIdentifier", "document")?),
        };
        *fact = text;
    }
    if let Some(place) = person.all("geographicAddress")?.next() {
        place.only(ADDRESS_KEYS)?;
        party.country = place.parsed("country", Country::parse)?;
        party.address = place.address(&ADDRESS_GROUPS, "country")?;
    }
    Ok(())
}

/// The legal name, else the first; `keys` are its parts in their order.
fn name(person: &Node<'_>, keys: &'static str) -> Result<Option<String>, FactsError> {
    let Some(names) = person.one("name")? else { return Ok(None) };
    names.only("nameIdentifier localNameIdentifier phoneticNameIdentifier")?;
    let (mut legal, mut first) = (None, None);
    for identifier in names.all("nameIdentifier")? {
        identifier.only(if keys == LEGAL_NAME { LEGAL_NAME_KEYS } else { NATURAL_NAME_KEYS })?;
        let mut is_legal = false;
        for key in TYPE_KEYS {
            is_legal |= identifier.text(key, "id")?.is_some_and(|kind| kind == "LEGL");
        }
        let text = identifier.joined(&[keys], [" ", " "], "name")?;
        if is_legal && legal.is_some() {
            let hint = "keep one of them";
            return Err(identifier.fault(refused("one legal name", "several", hint)));
        }
        let name = if is_legal { &mut legal } else { &mut first };
        *name = name.take().or(text);
    }
    Ok(legal.or(first))
}

const ROOT_KEYS: &str = "originator beneficiary originatingVASP beneficiaryVASP transferPath \
    payloadMetadata";
const NATURAL_KEYS: &str = "name geographicAddress nationalIdentification customerIdentification \
    customerNumber dateAndPlaceOfBirth countryOfResidence";
const LEGAL_KEYS: &str = "name geographicAddress nationalIdentification customerIdentification \
    customerNumber countryOfRegistration";
const ID_KEYS: &str =
    "nationalIdentifier nationalIdentifierType countryOfIssue registrationAuthority";
const ADDRESS_KEYS: &str = "addressType department subDepartment streetName buildingNumber \
    buildingName floor postBox room postCode postcode townName townLocationName districtName \
    countrySubDivision addressLine country";
const NATURAL_NAME: &str = "secondaryIdentifier primaryIdentifier";
const NATURAL_NAME_KEYS: &str = "secondaryIdentifier primaryIdentifier nameIdentifierType \
    naturalPersonNameIdentifierType";
const LEGAL_NAME: &str = "legalPersonName";
const LEGAL_NAME_KEYS: &str = "legalPersonName nameIdentifierType legalPersonNameIdentifierType";
const TYPE_KEYS: [&str; 3] =
    ["nameIdentifierType", "naturalPersonNameIdentifierType", "legalPersonNameIdentifierType"];
/// Parts of an address, those together that one blank separates.
const ADDRESS_GROUPS: [&str; 12] = [
    "department",
    "subDepartment",
    "streetName buildingNumber",
    "buildingName",
    "floor",
    "postBox",
    "room",
    "postCode postcode townName",
    "townLocationName",
    "districtName",
    "countrySubDivision",
    "addressLine",
];
