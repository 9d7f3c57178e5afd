//! The program on the host: a simulated flash, and a serial line whose other end is the test.

use demo::{Memory, serve};
use larder::flash::SimFlash;
use std::collections::VecDeque;

type Flash = SimFlash<'static, 4, 1024>;

/// A line that says what it was given to say, falls silent now and then, and ends.
#[derive(Default)]
struct Line {
    coming: VecDeque<Event>,
    sent: Vec<u8>,
}

enum Event {
    Byte(u8),
    Error(embedded_io::ErrorKind),
}

impl embedded_io::ErrorType for Line {
    type Error = embedded_io::ErrorKind;
}

impl embedded_io::Read for Line {
    fn read(&mut self, bytes: &mut [u8]) -> Result<usize, Self::Error> {
        match self.coming.pop_front() {
            None => Ok(0),
            Some(Event::Byte(byte)) => {
                bytes[0] = byte;
                Ok(1)
            }
            Some(Event::Error(kind)) => Err(kind),
        }
    }
}

impl embedded_io::Write for Line {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Self::Error> {
        self.sent.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 })
    })
}

/// A frame as host.py makes it.
fn frame(tag: u8, pickle: &[u8]) -> Vec<u8> {
    let mut message = vec![tag];
    message.extend_from_slice(pickle);
    message.extend(crc(&message).to_le_bytes());
    let mut out = vec![0];
    for mut part in message.split(|&byte| byte == 0) {
        while part.len() >= 254 {
            out.push(255);
            out.extend_from_slice(&part[..254]);
            part = &part[254..];
        }
        out.push(part.len() as u8 + 1);
        out.extend_from_slice(part);
    }
    out.push(0);
    out
}

/// The messages, with their tags, in what the board sent.
fn answers(sent: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let frames = sent.split(|&byte| byte == 0).filter(|frame| !frame.is_empty());
    let unframe = |mut frame: &[u8]| {
        let mut message = vec![];
        while let Some((&length, rest)) = frame.split_first() {
            let (group, rest) = rest.split_at(usize::from(length) - 1);
            message.extend_from_slice(group);
            if length < 255 && !rest.is_empty() {
                message.push(0);
            }
            frame = rest;
        }
        let check = message.split_off(message.len() - 4);
        assert_eq!(check, crc(&message).to_le_bytes());
        (message.remove(0), message)
    };
    frames.map(unframe).collect()
}

/// Serves what `events` say to a board with this flash; its answers.
fn talk(flash: &mut Flash, events: impl IntoIterator<Item = Event>) -> Vec<(u8, Vec<u8>)> {
    let mut line = Line { coming: events.into_iter().collect(), sent: vec![] };
    let mut memory = Memory::NEW;
    serve(flash, &mut line, &mut memory, || 1234).unwrap();
    answers(&line.sent)
}

fn bytes(bytes: &[u8]) -> Vec<Event> {
    bytes.iter().map(|&byte| Event::Byte(byte)).collect()
}

fn ask(flash: &mut Flash, pickle: &[u8]) -> Vec<u8> {
    let answers = talk(flash, bytes(&frame(7, pickle)));
    let [(7, answer)] = &answers[..] else { panic!("{answers:?}") };
    answer.clone()
}

fn flash() -> Flash {
    SimFlash::owned(32).unwrap()
}

// Pickles of Python: pickle.dumps(..., 5), optimized.
const SET: &[u8] = b"\x80\x05\x8c\x03set\x8c\x06limits}\x8c\x03lowG@\x04\0\0\0\0\0\0s\x87.";
const GET: &[u8] = b"\x80\x05\x8c\x03get\x8c\x06limits\x86.";
const DEL: &[u8] = b"\x80\x05\x8c\x03del\x8c\x06limits\x86.";
const KEYS: &[u8] = b"\x80\x05\x8c\x04keys\x85.";
const STAT: &[u8] = b"\x80\x05\x8c\x04stat\x85.";
const OK: &[u8] = b"\x80\x04\x8c\x02ok\x85.";
const VALUE: &[u8] = b"\x80\x05\x95\x11\0\0\0\0\0\0\0}\x8c\x03lowG@\x04\0\0\0\0\0\0s.";

const LIMITS: &[u8] = b"\x80\x04\x95\x09\0\0\0\0\0\0\0\x8c\x06limits.";
const FIGURES: &[u8] = b"\x80\x04\x95\x0d\0\0\0\0\0\0\0}\x8c\x05stackM\xd2\x04s.";

/// Whether an answer is `("error", message)`, the message beginning so.
fn is_error(answer: &[u8], start: &str) -> bool {
    let head = b"\x8c\x05error\x8c";
    let at = answer.windows(head.len()).position(|window| window == head);
    at.is_some_and(|at| answer[at + head.len() + 1..].starts_with(start.as_bytes()))
}

#[test]
fn a_value_is_kept_over_a_restart_until_it_is_deleted() {
    let mut flash = flash();
    assert_eq!(ask(&mut flash, SET), OK);
    assert_eq!(ask(&mut flash, GET), [OK, VALUE].concat(), "every call is a board just started");
    assert_eq!(ask(&mut flash, KEYS), [OK, LIMITS].concat());
    assert_eq!(ask(&mut flash, DEL), OK);
    assert!(is_error(&ask(&mut flash, DEL), "KeyError: "));
    assert!(is_error(&ask(&mut flash, GET), "KeyError: "));
    assert_eq!(ask(&mut flash, KEYS), OK);
    assert_eq!(ask(&mut flash, STAT), [OK, FIGURES].concat());
}

#[test]
fn what_is_no_plain_request_is_refused() {
    let refused: &[(&[u8], &str)] = &[
        (b"", "UnpicklingError: "),
        (b"\x80\x05]", "UnpicklingError: "),
        (b"N.", "ValueError: no request"),
        (b").", "ValueError: no request"),
        (b"\x8c\x03set\x8c\x01k\x86.", "ValueError: no request"),
        (b"K\x01\x8c\x01k\x86.", "ValueError: no request"),
        (b"\x8c\x03getK\x01\x86.", "ValueError: the key"),
        (b"\x8c\x03sql\x8c\x08SELECT 1)\x87.", "NotSupportedError: no tables here"),
        (b"\x8c\x03set\x8c\x01kcos\nsystem\n\x87.", "ValueError: more than plain data"),
        (b"\x8c\x03set\x8c\x01k]cos\nsystem\n\x8c\x04halt\x85Ra\x87.", "ValueError: more than plain data"),
        (b"\x8c\x03set\x8c\x01kPid\n\x87.", "ValueError: more than plain data"),
        (b"\x8c\x03set\x8c\x01k(((((((((((((((((((((((lllllllllllllllllllllll\x87.", "RecursionError: "),
    ];
    let mut flash = flash();
    for (pickle, start) in refused {
        let answer = ask(&mut flash, pickle);
        assert!(
            is_error(&answer, start),
            "{:?} got {:?}",
            pickle.escape_ascii().to_string(),
            answer.escape_ascii().to_string()
        );
    }
    let many = [b"\x8c\x03set\x8c\x01k(".to_vec(), vec![b'N'; 900], b"l\x87.".to_vec()].concat();
    assert!(is_error(&ask(&mut flash, &many), "MemoryError: "));
    let long = [b"\x8c\x03set\x8c\xff".to_vec(), vec![b'k'; 255], b"N\x87.".to_vec()].concat();
    assert_eq!(ask(&mut flash, &long), OK, "the longest key");
    assert!(ask(&mut flash, KEYS).ends_with(b"kkk."));
}

#[test]
fn garbage_silence_and_lost_bytes_are_answered_and_survived() {
    let broken = |kind| {
        let mut events = bytes(&frame(7, SET)[..20]);
        events.push(Event::Error(kind));
        events.extend(bytes(&frame(8, KEYS)));
        events
    };
    for kind in [embedded_io::ErrorKind::TimedOut, embedded_io::ErrorKind::InvalidData] {
        let answers = talk(&mut flash(), broken(kind));
        let [(0, refused), (8, keys)] = &answers[..] else { panic!("{answers:?}") };
        assert!(is_error(refused, "ValueError: broken frame"));
        assert_eq!(keys, OK);
    }
    let line = [b"noise\0".to_vec(), frame(1, KEYS), frame(2, &[b'N'; 3000]), frame(3, KEYS)].concat();
    let answers = talk(&mut flash(), bytes(&line));
    assert_eq!(answers.iter().map(|answer| answer.0).collect::<Vec<_>>(), [0, 1, 0, 3]);
    assert!(is_error(&answers[0].1, "ValueError: garbled frame"));
    assert!(is_error(&answers[2].1, "ValueError: frame too long"));
}

#[test]
fn mutated_requests_get_one_answer_each() {
    let mut seed = 1u32;
    let mut random = move |limit: usize| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) as usize % limit
    };
    let mut line = vec![];
    for _ in 0..20_000 {
        let mut pickle = [SET, GET, DEL, KEYS, STAT][random(5)].to_vec();
        for _ in 0..random(4) {
            let at = random(pickle.len());
            pickle[at] = random(256) as u8;
        }
        line.extend(frame(9, &pickle[..=random(pickle.len())]));
    }
    line.extend(frame(10, SET));
    line.extend(frame(11, GET));
    let answers = talk(&mut flash(), bytes(&line));
    assert_eq!(answers.len(), 20_002);
    assert!(answers[..20_000].iter().all(|answer| answer.0 == 9));
    assert_eq!(answers[20_000], (10, OK.to_vec()));
    assert_eq!(answers[20_001], (11, [OK, VALUE].concat()));
}

#[test]
fn flash_that_holds_something_else_is_left_alone() {
    let mut other = SimFlash::image(b"someone else's data ".iter().copied().cycle().take(32 * 1024).collect()).unwrap();
    let before = other.contents().to_vec();
    assert!(is_error(&ask(&mut other, SET), "dbm.error: "));
    assert_eq!(other.contents(), before);
}
