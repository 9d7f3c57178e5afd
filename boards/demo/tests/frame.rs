//! Frames: what is sent comes back, and whatever else is on the line is noticed.

use demo::frame::{Damage, Frame, OVERHEAD, Receiver, Sender};
use embedded_io::Write;

/// A generator of numbers that look random (xorshift), so that a failure can be repeated.
struct Noise(u32);

impl Noise {
    fn below(&mut self, limit: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0 % limit
    }

    /// Bytes with many zeros and long runs without any.
    fn message(&mut self) -> Vec<u8> {
        let zeros = self.below(3) * 100;
        let length = self.below(1000);
        (0..length).map(|_| if self.below(1000) < zeros { 0 } else { self.below(256) as u8 }).collect()
    }
}

fn sent(tag: u8, message: &[u8]) -> Vec<u8> {
    let mut line = vec![];
    let mut sender = Sender::new(&mut line, tag).unwrap();
    sender.write_all(message).unwrap();
    sender.finish().unwrap();
    line
}

/// Every frame's end in `line`: the tag and message, or what was wrong.
fn received(receiver: &mut Receiver, line: &[u8]) -> Vec<Result<(u8, Vec<u8>), Damage>> {
    let mut found = vec![];
    for &byte in line {
        if receiver.push(byte) {
            found.push(receiver.frame().map(|Frame { tag, pickle }| (tag, pickle.to_vec())));
        }
    }
    found
}

#[test]
fn a_frame_is_what_python_makes_it() {
    // host.frame(7, b"ab\0c"), and a message that ends on a group's edge: host.frame(1, b"\xff" * 253)
    assert_eq!(sent(7, b"ab\0c"), *b"\0\x04\x07ab\x06c\xc7\x94ph\0");
    let mut edge = b"\0\xff\x01".to_vec();
    edge.extend([0xff; 253]);
    edge.extend(b"\x05\x8a\x8b\x17\xef\0");
    assert_eq!(sent(1, &[0xff; 253]), edge);
}

#[test]
fn what_is_sent_comes_back_without_a_zero_in_between() {
    let mut noise = Noise(1);
    let mut buffer = [0; 1000 + OVERHEAD];
    let mut receiver = Receiver::new(&mut buffer);
    for round in 0..2000 {
        let (tag, message) = (noise.below(256) as u8, noise.message());
        let line = sent(tag, &message);
        assert!(line.len() <= message.len() + OVERHEAD + 4 + message.len() / 254, "round {round}");
        assert_eq!(line.iter().filter(|&&byte| byte == 0).count(), 2);
        assert_eq!(received(&mut receiver, &line), [Ok((tag, message))], "round {round}");
    }
}

#[test]
fn every_flipped_bit_is_noticed_and_the_next_frame_is_read() {
    let good = sent(9, b"\0left\0right\0");
    let mut buffer = [0; 64];
    let mut receiver = Receiver::new(&mut buffer);
    for bit in 8..(good.len() - 1) * 8 {
        let mut line = good.clone();
        line[bit / 8] ^= 1 << (bit % 8);
        line.extend(&good);
        let found = received(&mut receiver, &line);
        let (last, before) = found.split_last().unwrap();
        assert_eq!(last, &Ok((9, b"\0left\0right\0".to_vec())), "bit {bit}");
        assert!(!before.is_empty() && before.iter().all(Result::is_err), "bit {bit}: {before:?}");
    }
}

#[test]
fn noise_is_never_a_frame() {
    let mut noise = Noise(2);
    let mut buffer = [0; 64];
    let mut receiver = Receiver::new(&mut buffer);
    for _ in 0..20_000 {
        let line: Vec<u8> = (0..noise.below(40)).map(|_| noise.below(5) as u8).chain([0]).collect();
        assert!(received(&mut receiver, &line).iter().all(Result::is_err));
    }
}

#[test]
fn a_frame_that_does_not_fit_is_dropped_whole() {
    let mut buffer = [0; 20 + OVERHEAD];
    let mut receiver = Receiver::new(&mut buffer);
    let line = [sent(1, &[5; 20]), sent(2, &[5; 21]), sent(3, &[0; 5000]), sent(4, b"")].concat();
    let expected = [Ok((1, vec![5; 20])), Err(Damage::TooLong), Err(Damage::TooLong), Ok((4, vec![]))];
    assert_eq!(received(&mut receiver, &line), expected);
}

#[test]
fn silence_ends_what_has_begun_and_nothing_else() {
    let mut buffer = [0; 64];
    let mut receiver = Receiver::new(&mut buffer);
    let good = sent(1, b"message");
    assert!(!receiver.interrupt(), "nothing has begun");
    assert_eq!(received(&mut receiver, &good[..6]), []);
    assert!(receiver.interrupt(), "a frame has begun");
    assert!(!receiver.interrupt(), "and was dropped");
    assert_eq!(received(&mut receiver, &good), [Ok((1, b"message".to_vec()))]);
    assert!(!receiver.interrupt(), "it has been handed out");
}
