//! Object → [`Emit`]: decoded structure walked in pre-order, without recursion, on a stack that the caller lends.
//!
//! A shared value is offered to the writer by its number first ([`Emit::shared`]); a writer that keeps a memo refers to it
//! from its second visit on. One that does not gets the value again, so that fuel bounds what a few shared containers
//! in one another can unfold into.

use super::atom::Atom;
use super::emit::{Container, Emit, Level, Refused};
use super::error::{Error, ErrorKind, Result};
use super::slot::*;
use super::tree::Tree;
use super::view::{Extra, Kind, Object};

/// How many slots of the stack a container takes while it is open.
pub const SLOTS_PER_LEVEL: usize = 11;

/// Parts what was lent for writing an object again: a slot for each of its shared values, and the stack of [`emit`].
pub(crate) fn part<'s>(object: &Object<'_>, scratch: &'s mut [Slot]) -> Result<(&'s mut [Slot], &'s mut [Slot])> {
    let needed = object.shared_count();
    scratch.split_at_mut_checked(needed).ok_or(Error::new(ErrorKind::OutOfSlots { needed }, 0))
}

/// A container that is being walked.
struct Frame {
    /// The words that come, of the chunk or row that is being read.
    now: usize,
    end: usize,
    /// The chunk that comes, the last one of this run, and the last one of the ring; 0 for none.
    next: usize,
    run: usize,
    last: usize,
    /// The row that is read after this one, plus one; 0 for none.
    then: usize,
    /// In a dict: the value comes, its key is written.
    value: bool,
    /// An object that may have extras.
    object: bool,
    level: Level,
}

impl Frame {
    fn new(level: Level) -> Self {
        Frame { now: 0, end: 0, next: 0, run: 0, last: 0, then: 0, value: false, object: false, level }
    }

    /// Over the words of a row behind its head.
    fn row(level: Level, tree: &Tree<'_>, at: usize) -> Self {
        let now = at.wrapping_add(1);
        Frame { now, end: now.wrapping_add(tree.slot(at).payload()), ..Frame::new(level) }
    }

    /// Over all chunks of a ring.
    fn ring(level: Level, tree: &Tree<'_>, header: usize) -> Self {
        let (next, last) = ring(tree, header);
        Frame { next, run: last, last, ..Frame::new(level) }
    }

    /// The next word of this container.
    fn word(&mut self, tree: &Tree<'_>) -> Option<Slot> {
        while self.now == self.end {
            if self.then != 0 {
                self.now = self.then;
                self.end = self.now.wrapping_add(tree.slot(self.then.wrapping_sub(1)).payload());
                self.then = 0;
                continue;
            }
            if self.run == 0 {
                return None;
            }
            let at = self.next;
            self.now = at.wrapping_add(2);
            self.end = self.now.wrapping_add(tree.slot(at).payload());
            self.next = tree.slot(at.wrapping_add(1)).payload();
            if at == self.run {
                self.run = 0;
            }
            if at == self.last {
                self.next = 0;
            }
        }
        let word = tree.slot(self.now);
        self.now = self.now.wrapping_add(1);
        Some(word)
    }

    fn store(&self, slots: &mut [Slot]) {
        let level = &self.level;
        let flags = u32::from(self.value) | u32::from(self.object) << 1 | u32::from(level.state) << 8;
        let words = [
            self.now as u32,
            self.end as u32,
            self.next as u32,
            self.run as u32,
            self.last as u32,
            self.then as u32,
            flags | (level.container as u32) << 16,
            level.left,
            level.len,
            level.shared,
            level.at,
        ];
        for (slot, word) in slots.iter_mut().zip(words) {
            *slot = Slot::raw(word);
        }
    }

    fn load(slots: &[Slot]) -> Option<Frame> {
        let words: &[Slot; SLOTS_PER_LEVEL] = slots.try_into().ok()?;
        let [now, end, next, run, last, then, flags, left, len, shared, at] = words.map(Slot::bits);
        let container = CONTAINERS.get((flags >> 16) as usize).copied()?;
        Some(Frame {
            now: now as usize,
            end: end as usize,
            next: next as usize,
            run: run as usize,
            last: last as usize,
            then: then as usize,
            value: flags & 1 != 0,
            object: flags & 2 != 0,
            level: Level { left, len, container, state: (flags >> 8) as u8, shared, at },
        })
    }
}

/// The first and the last chunk of a header's ring; 0 for none.
fn ring(tree: &Tree<'_>, header: usize) -> (usize, usize) {
    let last = tree.slot(header).payload();
    (if last == 0 { 0 } else { tree.slot(last.wrapping_add(1)).payload() }, last)
}

/// Whether what is made says no more than its class: no arguments, nothing appended or set.
fn is_class_alone(object: &Object<'_>) -> bool {
    let empty = |extra| object.extras(extra).next().is_none();
    object.args().is_some_and(|args| args.items().next().is_none())
        && [Extra::Items, Extra::Adds, Extra::Pairs].into_iter().all(empty)
}

/// Every container by its number.
const CONTAINERS: [Container; 19] = {
    use Container::*;
    [
        List, Tuple, Dict, Set, FrozenSet, FrozenDict, Slice, Reduce, NewObj, NewObjStar, NewObjEx, Inst, PersId,
        Readonly, Code, Items, Adds, Pairs, State,
    ]
};

struct Walk<'w, 'a> {
    tree: Tree<'a>,
    emit: &'w mut dyn Emit,
    stack: &'w mut [Slot],
    /// The slots of the stack that are in use.
    used: usize,
    fuel: u32,
}

/// Gives an object to a writer. `stack` bounds the depth: [`SLOTS_PER_LEVEL`] each; `fuel` the number of values visited.
///
/// An error's offset is the place of the value in the input.
pub fn emit(object: &Object<'_>, emit: &mut dyn Emit, stack: &mut [Slot], fuel: u32) -> Result<()> {
    let mut walk = Walk { tree: object.tree, emit, stack, used: 0, fuel };
    let mut word = object.word;
    walk.run(&mut word).map_err(|refused| object.tree.error(ErrorKind::from(refused), word))
}

impl Walk<'_, '_> {
    /// Visits a word and everything beneath it; `word` is the one that is being visited.
    fn run(&mut self, word: &mut Slot) -> core::result::Result<(), Refused> {
        let Some(mut frame) = self.visit(*word)? else { return Ok(()) };
        loop {
            let Some(next) = frame.word(&self.tree) else {
                match self.leave(frame)? {
                    Some(parent) => frame = parent,
                    None => return Ok(()),
                }
                continue;
            };
            let pairs = matches!(frame.level.container, Container::Dict | Container::FrozenDict | Container::Pairs);
            if !frame.value {
                frame.level.item(self.emit)?;
            }
            frame.value = pairs && !frame.value;
            *word = next;
            if let Some(inside) = self.visit(next)? {
                let end = self.used.saturating_add(SLOTS_PER_LEVEL);
                frame.store(self.stack.get_mut(self.used..end).ok_or(Refused::TooDeep)?);
                self.used = end;
                frame = inside;
            }
        }
    }

    /// The container is finished: an object's extras follow, or what it stands in.
    fn leave(&mut self, frame: Frame) -> core::result::Result<Option<Frame>, Refused> {
        let Frame { next, last, object, level, .. } = frame;
        self.emit.close(level)?;
        if object && next != 0 {
            return self.extras(next, last).map(Some);
        }
        let Some(start) = self.used.checked_sub(SLOTS_PER_LEVEL) else { return Ok(None) };
        let parent = Frame::load(self.stack.get(start..self.used).unwrap_or_default());
        self.used = start;
        Ok(parent)
    }

    /// Opens the run of chunks of one kind that begins with the chunk `first`.
    fn extras(&mut self, first: usize, last: usize) -> core::result::Result<Frame, Refused> {
        let kind = self.tree.slot(first).tag();
        let (mut run, mut len) = (first, 0usize);
        loop {
            len = len.wrapping_add(self.tree.slot(run).payload());
            let next = self.tree.slot(run.wrapping_add(1)).payload();
            if run == last || self.tree.slot(next).tag() != kind || kind == Extra::States as Tag {
                break;
            }
            run = next;
        }
        let (container, len) = match kind {
            0 => (Container::Items, len),
            1 => (Container::Adds, len),
            2 => (Container::Pairs, len / 2),
            _ => (Container::State, 1),
        };
        let level = self.emit.open(container, Some(len))?;
        Ok(Frame { next: first, run, last, object: true, ..Frame::new(level) })
    }

    /// Writes a value that is no container; answers the frame of one that is.
    fn visit(&mut self, word: Slot) -> core::result::Result<Option<Frame>, Refused> {
        self.fuel = self.fuel.checked_sub(1).ok_or(Refused::OutOfFuel)?;
        let object = Object::new(self.tree, word);
        let kind = object.kind();
        if let Some(id) = object.shared()
            && !matches!(kind, Kind::None | Kind::Bool | Kind::Int | Kind::Float | Kind::Ext)
            && self.emit.shared(id)?
        {
            return Ok(None);
        }
        if let Some((module, name)) = object.global() {
            return self.emit.global(&module, &name).map(|()| None);
        }
        if let Some(atom) = object.atom() {
            let written = match atom {
                Atom::Int(number) if word.tag() == NUMBER => self.emit.number(number as i32),
                _ => self.emit.atom(&atom),
            };
            return written.map(|()| None);
        }
        self.enter(&object, kind)
    }

    fn enter(&mut self, object: &Object<'_>, kind: Kind) -> core::result::Result<Option<Frame>, Refused> {
        let tree = self.tree;
        let at = tree.resolve(object.word).payload();
        let parts = |n: usize| Some(n);
        let one_by_one = || Some(object.args().map_or(0, |args| args.len()).saturating_add(1));
        let (container, len) = match kind {
            Kind::List => (Container::List, Some(object.len())),
            Kind::Set => (Container::Set, Some(object.len())),
            Kind::Dict => (Container::Dict, Some(object.len())),
            Kind::FrozenDict => (Container::FrozenDict, Some(object.len())),
            Kind::Tuple => (Container::Tuple, parts(tree.slot(at).payload())),
            Kind::FrozenSet => (Container::FrozenSet, parts(tree.slot(at).payload())),
            Kind::Slice => (Container::Slice, parts(3)),
            Kind::Code => (Container::Code, parts(tree.slot(at).payload())),
            Kind::Reduce => (Container::Reduce, parts(2)),
            Kind::NewObj if self.emit.protocol() >= 2 => (Container::NewObj, parts(2)),
            Kind::NewObj if is_class_alone(object) => (Container::NewObj, parts(1)),
            Kind::NewObj => (Container::NewObjStar, one_by_one()),
            Kind::NewObjEx => (Container::NewObjEx, parts(3)),
            Kind::Inst => (Container::Inst, one_by_one()),
            Kind::ReadonlyBuffer => (Container::Readonly, parts(1)),
            Kind::PersId => {
                if let Some(Atom::Str(id)) = object.persistent_id().and_then(|id| id.atom()) {
                    return self.emit.pers_id(&id).map(|()| None);
                }
                (Container::PersId, parts(1))
            }
            _ => return self.emit.buffer(at).map(|()| None),
        };
        let level = self.emit.open(container, len)?;
        let frame = match container {
            Container::List | Container::Set | Container::Dict | Container::FrozenDict => Frame::ring(level, &tree, at),
            Container::Reduce | Container::NewObj | Container::NewObjStar | Container::NewObjEx | Container::Inst => {
                let (next, last) = ring(&tree, at);
                // Arguments that come one by one stand behind the class.
                let (parts, then) = match container {
                    Container::Inst | Container::NewObjStar => (1, tree.resolve(tree.slot(at.wrapping_add(2)))),
                    _ => (level.len as usize, Slot::EMPTY),
                };
                let then = if then.tag() == TUPLE { then.payload().wrapping_add(1) } else { 0 };
                let now = at.wrapping_add(1);
                Frame { now, end: now.wrapping_add(parts), next, last, then, object: true, ..Frame::new(level) }
            }
            _ => Frame::row(level, &tree, at),
        };
        Ok(Some(frame))
    }
}
