//! Whether an object is plain data: nothing in it names a class or a function, so that every Python loads it safely.

use larder::object::walk;
use larder::object::{Container, Emit, ErrorKind, Level, Long, Object, Refused, Slot, Text};

use crate::request::Refusal;

/// More values than any object has that fits a request, unless it unfolds without end.
const FUEL: u32 = 20_000;

/// Refuses an object that holds something that is not plain, or that cannot be walked with this stack.
pub(crate) fn check(object: &Object<'_>, stack: &mut [Slot]) -> Result<(), Refusal> {
    walk::emit(object, &mut Plain { seen: [0; 8] }, stack, FUEL).map_err(|error| match error.kind {
        ErrorKind::Unsupported => Refusal::NotPlain(error.offset),
        _ => Refusal::Pickle(error),
    })
}

/// A writer that writes nothing. Shared values are walked once.
struct Plain {
    seen: [u32; 8],
}

type Done = Result<(), Refused>;

const NOT_PLAIN: Done = Err(Refused::Unsupported);

impl Emit for Plain {
    fn none(&mut self) -> Done {
        Ok(())
    }

    fn bool(&mut self, _: bool) -> Done {
        Ok(())
    }

    fn int(&mut self, _: i64) -> Done {
        Ok(())
    }

    fn long(&mut self, _: &Long<'_>) -> Done {
        Ok(())
    }

    fn float(&mut self, _: f64) -> Done {
        Ok(())
    }

    fn complex(&mut self, _: f64, _: f64) -> Done {
        NOT_PLAIN
    }

    fn str(&mut self, _: &str) -> Done {
        Ok(())
    }

    fn text(&mut self, _: &Text<'_>) -> Done {
        Ok(())
    }

    fn bytes(&mut self, _: &[u8]) -> Done {
        Ok(())
    }

    fn byte_string(&mut self, _: &Text<'_>) -> Done {
        NOT_PLAIN
    }

    fn byte_array(&mut self, _: &[u8]) -> Done {
        Ok(())
    }

    fn global(&mut self, _: &Text<'_>, _: &Text<'_>) -> Done {
        NOT_PLAIN
    }

    fn ext(&mut self, _: u32) -> Done {
        NOT_PLAIN
    }

    fn buffer(&mut self, _: usize) -> Done {
        NOT_PLAIN
    }

    fn pers_id(&mut self, _: &Text<'_>) -> Done {
        NOT_PLAIN
    }

    fn ellipsis(&mut self) -> Done {
        NOT_PLAIN
    }

    fn stop_iteration(&mut self) -> Done {
        NOT_PLAIN
    }

    fn open(&mut self, container: Container, _: Option<usize>) -> Result<Level, Refused> {
        use Container::{Dict, FrozenSet, List, Set, Tuple};
        match container {
            List | Tuple | Dict | Set | FrozenSet => {
                Ok(Level { left: u32::MAX, len: u32::MAX, container, state: 0, shared: 0, at: 0 })
            }
            _ => Err(Refused::Unsupported),
        }
    }

    fn more(&mut self, _: &mut Level) -> Done {
        Ok(())
    }

    fn close(&mut self, _: Level) -> Done {
        Ok(())
    }

    fn shared(&mut self, id: usize) -> Result<bool, Refused> {
        let Some(word) = self.seen.get_mut(id / 32) else { return Ok(false) };
        let bit = 1 << (id % 32);
        let before = *word & bit != 0;
        *word |= bit;
        Ok(before)
    }
}
