//! Reads `tests/data/zoo/zoo-X.Y.bin`; the format is described in `make.py` beside them.

use std::sync::OnceLock;

pub(crate) const PYTHONS: [&str; 9] = ["2.7", "3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13"];

/// One pickle of the zoo.
pub(crate) struct Specimen {
    /// The Python that wrote it.
    pub python: &'static str,
    pub name: String,
    pub protocol: u8,
    pub pickle: Vec<u8>,
    /// The canonical text of what the stream says; a long one as `#` and its hash.
    pub raw: String,
    /// The same in today's names, with the calls of old protocols as plain data.
    pub norm: String,
    /// What `pickletools.optimize` makes of it, where larder must write the very same bytes.
    pub optimized: Option<Vec<u8>>,
}

impl std::fmt::Display for Specimen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of Python {}, protocol {}", self.name, self.python, self.protocol)
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().expect("the zoo file ends too early");
        self.0 = rest;
        *first
    }

    fn number(&mut self) -> usize {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = self.byte();
            value |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                return value;
            }
        }
    }

    fn part(&mut self, n: usize) -> &'a [u8] {
        let (part, rest) = self.0.split_at(n);
        self.0 = rest;
        part
    }

    fn text(&mut self) -> String {
        let n = self.number();
        String::from_utf8(self.part(n).to_vec()).unwrap()
    }

    fn bytes(&mut self) -> Vec<u8> {
        let n = self.number();
        self.part(n).to_vec()
    }
}

/// Expands a file that leans on the expansion of another one.
fn expand(base: &[u8], packed: &[u8]) -> Vec<u8> {
    let (mut reader, mut out) = (Reader(packed), base.to_vec());
    while !reader.0.is_empty() {
        let n = reader.number();
        if n & 1 == 0 {
            out.extend_from_slice(reader.part(n / 2));
            continue;
        }
        let distance = reader.number();
        let (mut from, mut left) = (out.len() - distance, n / 2);
        while left > 0 {
            let step = left.min(out.len() - from);
            out.extend_from_within(from..from + step);
            (from, left) = (from + step, left - step);
        }
    }
    out.split_off(base.len())
}

fn packed(python: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/data/zoo/zoo-{python}.bin", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn newest() -> &'static [u8] {
    static NEWEST: OnceLock<Vec<u8>> = OnceLock::new();
    NEWEST.get_or_init(|| expand(&[], &packed("3.13")))
}

/// All pickles of all Pythons.
pub(crate) fn all() -> &'static [Specimen] {
    static ALL: OnceLock<Vec<Specimen>> = OnceLock::new();
    ALL.get_or_init(|| PYTHONS.into_iter().flat_map(zoo).collect())
}

/// The pickles of one Python, object by object.
fn zoo(python: &'static str) -> Vec<Specimen> {
    let own;
    let file = if python == "3.13" {
        newest()
    } else {
        own = expand(newest(), &packed(python));
        &own
    };
    let mut reader = Reader(file.strip_prefix(b"larder zoo 1\n").expect("another format of the zoo"));
    let mut specimens: Vec<Specimen> = Vec::new();
    while !reader.0.is_empty() {
        let mut name = reader.text();
        if name.is_empty() {
            name = specimens.last().unwrap().name.clone();
        }
        let (protocol, flags) = (reader.byte(), reader.byte());
        let (pickle, raw) = (reader.bytes(), reader.text());
        let norm = if flags & 2 != 0 { reader.text() } else { raw.clone() };
        let optimized = (flags & 1 != 0).then(|| reader.bytes());
        specimens.push(Specimen { python, name, protocol, pickle, raw, norm, optimized });
    }
    specimens
}

/// A canonical text as the zoo keeps it: a long one by its FNV-1a hash.
pub(crate) fn kept(text: &str) -> String {
    if text.len() <= 2048 {
        return text.to_string();
    }
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325, |h: u64, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
    format!("#{hash:016x}")
}
