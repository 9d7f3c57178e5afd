//! [`Writing`]: a struct's fields, one after the other, in the form that its class wants.

use super::{ALL, Class, Make, State, Value};
use crate::object::serde::Encoder;
use crate::object::{Container, Emit, Level, Refused};

/// An instance that is being written. It is moved with serde's struct, so it holds of its class no more than is asked again.
pub(crate) struct Writing {
    make: Make,
    state: State,
    items: bool,
    pairs: bool,
    star: bool,
    phase: Phase,
    /// How many fields are still to come as arguments.
    args_left: u32,
    /// How many fields are still to come in all.
    left: u32,
    /// What is open, outermost first.
    levels: [Option<Level>; 3],
}

#[derive(PartialEq, Eq)]
enum Phase {
    /// The object is open, arguments come.
    Args,
    /// The object is closed; items, pairs or a state may come.
    Made,
    /// The state is open, fields come.
    State,
}

/// What writing an instance takes. A writer has it once a [`Registry`](super::Registry) was given, and this library's own
/// types bring it, so that who has neither links none of it.
pub(crate) struct Ops<E> {
    pub(crate) open: fn(&Class, usize, &mut E) -> Result<Writing, Refused>,
    pub(crate) go_on: GoOn<E>,
    pub(crate) member: fn(&Class, &str, &mut E) -> Result<(), Refused>,
}

/// Goes on with an instance: before each field with its name, and after the last one without.
pub(crate) type GoOn<E> = fn(&mut Writing, Option<&'static str>, &mut E) -> Result<(), Refused>;

impl<E> Clone for Ops<E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Ops<E> {}

impl<E: Encoder> Ops<E> {
    pub(crate) const fn new() -> Self {
        Ops { open: Writing::open, go_on: Writing::go_on, member }
    }
}

/// A row and how it is written.
pub(crate) type Found<E> = (Class, Ops<E>);

/// The row of one of the types of [`classes`](super::classes).
#[inline(never)]
fn own(rust: &str) -> Option<Class> {
    #[cfg(feature = "classes")]
    return super::classes::row(rust).copied();
    #[cfg(not(feature = "classes"))]
    return None.filter(|_| rust.is_empty());
}

/// The registry's row that a Rust type of this name is written by.
#[inline]
pub(crate) fn registered<E: Encoder>(rust: &str, emit: &E) -> Option<Found<E>> {
    let ops = emit.instances()?;
    Some((*emit.registry().class(rust)?, ops))
}

/// The row that a Rust type of this name is written by. Names are constants where this is called.
#[inline(always)]
pub(crate) fn find<E: Encoder>(rust: &'static str, emit: &E) -> Option<Found<E>> {
    if super::is_own(rust) { own(rust).map(|row| (row, Ops::new())) } else { registered(rust, emit) }
}

/// Writes a class's name, as an extension code if it has one and the protocol knows them.
fn name<E: Emit>(module: &'static str, name: &'static str, emit: &mut E) -> Result<(), Refused> {
    if emit.protocol() >= 2
        && let Some(code) = emit.registry().code(module, name)
    {
        return emit.ext(code);
    }
    match name.rsplit_once('.') {
        // Before protocol 4, what lies inside of a class is an attribute of it. As deep as the program's own table says.
        Some((outer, attribute)) if emit.protocol() < 4 => {
            let mut call = emit.open(Container::Reduce, Some(2))?;
            call.item(emit)?;
            emit.constant("builtins", "getattr")?;
            call.item(emit)?;
            let mut args = emit.open(Container::Tuple, Some(2))?;
            args.item(emit)?;
            self::name(module, outer, emit)?;
            args.item(emit)?;
            emit.str(attribute)?;
            emit.close(args)?;
            emit.close(call)
        }
        _ => emit.constant(module, name),
    }
}

/// Writes a member of an enum.
fn member<E: Emit>(class: &Class, member: &str, emit: &mut E) -> Result<(), Refused> {
    let value = class.value(member).ok_or(Refused::Custom)?;
    let mut writing = Writing::open(class, 1, emit)?;
    writing.field("value", emit)?;
    match value {
        Value::Int(value) => emit.int(value)?,
        Value::Str(value) => emit.name(value)?,
    }
    writing.close(emit)
}

impl Writing {
    /// Begins an instance of `len` fields.
    #[inline(never)]
    fn open<E: Emit>(class: &Class, len: usize, emit: &mut E) -> Result<Writing, Refused> {
        let left = u32::try_from(len).map_err(|_| Refused::TooLong)?;
        let args_left = match (class.make, class.positional) {
            (Make::NewObjEx, _) | (_, ALL) => left,
            (_, n) => left.min(u32::from(n)),
        };
        let Class { make, state, items, pairs, star, .. } = *class;
        let levels = [None, None, None];
        let mut writing = Writing { make, state, items, pairs, star, phase: Phase::Args, args_left, left, levels };
        let protocol = emit.protocol();
        let container = match class.make {
            Make::Global => {
                writing.phase = Phase::Made;
                name(class.module, class.name, emit)?;
                return if len == 0 { Ok(writing) } else { Err(Refused::Custom) };
            }
            Make::Tuple => {
                writing.push(Container::Tuple, args_left, emit)?;
                return Ok(writing);
            }
            Make::NewObj if protocol < 2 => return writing.open_old(class, emit),
            Make::NewObjEx if protocol < 4 => return writing.open_old(class, emit),
            Make::Reduce => Container::Reduce,
            Make::NewObj => Container::NewObj,
            Make::NewObjEx => Container::NewObjEx,
            Make::Inst => Container::Inst,
        };
        let parts = match class.make {
            // Its arguments stand in it one by one.
            Make::Inst => args_left.saturating_add(1),
            Make::NewObjEx => 3,
            _ => 2,
        };
        writing.push(container, parts, emit)?;
        writing.item(emit)?;
        name(class.module, class.name, emit)?;
        if class.make != Make::Inst {
            writing.item(emit)?;
        }
        match class.make {
            Make::Inst => {}
            Make::NewObjEx => writing.open_keywords(emit)?,
            _ if class.star => {}
            _ => writing.push(Container::Tuple, args_left, emit)?,
        }
        Ok(writing)
    }

    /// No positional arguments, then a dict of keywords.
    fn open_keywords<E: Emit>(&mut self, emit: &mut E) -> Result<(), Refused> {
        let none = emit.open(Container::Tuple, Some(0))?;
        emit.close(none)?;
        self.item(emit)?;
        self.push(Container::Dict, self.args_left, emit)
    }

    /// Begins what older protocols have no opcode for, as a call of the functions that copyreg has for them.
    fn open_old<E: Emit>(mut self, class: &Class, emit: &mut E) -> Result<Writing, Refused> {
        // As CPython writes it; it is not safe for subclasses of list and dict.
        let plain = self.make == Make::NewObj && self.args_left == 0 && !self.items && !self.pairs;
        let (function, args) = match self.make {
            Make::NewObjEx => ("__newobj_ex__", 3),
            _ if plain => ("_reconstructor", 3),
            _ => ("__newobj__", self.args_left.saturating_add(1)),
        };
        self.push(Container::Reduce, 2, emit)?;
        self.item(emit)?;
        emit.constant("copyreg", function)?;
        self.item(emit)?;
        self.push(Container::Tuple, args, emit)?;
        self.item(emit)?;
        name(class.module, class.name, emit)?;
        if plain {
            self.item(emit)?;
            emit.constant("builtins", "object")?;
            self.item(emit)?;
            emit.none()?;
        } else if self.make == Make::NewObjEx {
            self.item(emit)?;
            self.open_keywords(emit)?;
        }
        Ok(self)
    }

    /// Tells the innermost level that an item comes.
    fn item<E: Emit>(&mut self, emit: &mut E) -> Result<(), Refused> {
        match self.levels.iter_mut().rev().flatten().next() {
            Some(level) => level.item(emit),
            None => Err(Refused::Custom),
        }
    }

    fn push<E: Emit>(&mut self, container: Container, len: u32, emit: &mut E) -> Result<(), Refused> {
        let level = emit.open(container, Some(len as usize))?;
        match self.levels.iter_mut().find(|level| level.is_none()) {
            Some(free) => *free = Some(level),
            None => return Err(Refused::Custom),
        }
        Ok(())
    }

    /// Closes all that is open.
    fn close_levels<E: Emit>(&mut self, emit: &mut E) -> Result<(), Refused> {
        for level in self.levels.iter_mut().rev() {
            if let Some(level) = level.take() {
                emit.close(level)?;
            }
        }
        Ok(())
    }

    /// Before each field: its name, where one is due. `Some` wants the value not as it is, but as the content of this
    /// container.
    #[inline(never)]
    fn field<E: Emit>(&mut self, name: &'static str, emit: &mut E) -> Result<Option<Container>, Refused> {
        // A field that only other formats have.
        if super::is_own(name) {
            return Ok(None);
        }
        self.left = self.left.saturating_sub(1);
        if self.phase == Phase::Args {
            if let Some(left) = self.args_left.checked_sub(1) {
                self.args_left = left;
                // All arguments are this field's content, and it stands where the tuple does.
                if self.star {
                    return Ok(Some(Container::Tuple));
                }
                self.item(emit)?;
                if self.make == Make::NewObjEx {
                    emit.name(name)?;
                }
                return Ok(None);
            }
            self.close_levels(emit)?;
            self.phase = Phase::Made;
        }
        let content = match name {
            "items" if self.items => Some(Container::Items),
            "pairs" if self.pairs => Some(Container::Pairs),
            _ => None,
        };
        if content.is_some() {
            // The state comes last.
            return if self.phase == Phase::Made { Ok(content) } else { Err(Refused::Custom) };
        }
        if self.phase == Phase::Made {
            self.phase = Phase::State;
            self.open_state(emit)?;
        } else if self.state == State::Own {
            return Err(Refused::Custom);
        }
        self.item(emit)?;
        if matches!(self.state, State::Dict | State::Slots) {
            emit.name(name)?;
        }
        Ok(None)
    }

    /// [`GoOn`], for a serializer.
    fn go_on<E: Encoder>(&mut self, name: Option<&'static str>, emit: &mut E) -> Result<(), Refused> {
        // The last field was to be items or pairs, and was none.
        if emit.awaits_content() {
            return Err(Refused::Custom);
        }
        let Some(name) = name else { return self.close(emit) };
        // A tuple struct has no names to give to a dict.
        let nameless = name.is_empty() && self.phase != Phase::Args && self.state != State::Own;
        match self.field(name, emit)? {
            _ if nameless => Err(Refused::Custom),
            // The writer is told what the value is the content of.
            Some(container) => emit.content(container),
            None => Ok(()),
        }
    }

    fn open_state<E: Emit>(&mut self, emit: &mut E) -> Result<(), Refused> {
        self.push(Container::State, 1, emit)?;
        match self.state {
            // The state is the one field itself.
            State::Own => return Ok(()),
            State::Slots => {
                self.item(emit)?;
                self.push(Container::Tuple, 2, emit)?;
                self.item(emit)?;
                emit.none()?;
            }
            State::Dict | State::List => {}
        }
        self.item(emit)?;
        let fields = if self.state == State::List { Container::List } else { Container::Dict };
        self.push(fields, self.left.saturating_add(1), emit)
    }

    /// After the last field.
    fn close<E: Emit>(&mut self, emit: &mut E) -> Result<(), Refused> {
        // Fields that never came would leave a hole in the arguments.
        if self.args_left > 0 {
            return Err(Refused::Custom);
        }
        self.close_levels(emit)
    }
}
