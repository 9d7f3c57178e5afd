//! [`Rename`]: the names of modules and classes, from one Python's to the other's.

#[cfg(feature = "fix_imports")]
use super::opcode::code::PROTO;
use crate::object::Text;

/// What becomes of the names of globals: the other Python's names are written where the protocol wants them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rename {
    No,
    #[cfg(feature = "fix_imports")]
    ToPython3,
    #[cfg(feature = "fix_imports")]
    ToPython2,
}

impl Rename {
    /// From a pickle to another one of this protocol.
    pub(super) fn between(pickle: &[u8], protocol: u8) -> Rename {
        let _ = (pickle, protocol);
        #[cfg(feature = "fix_imports")]
        match (matches!(pickle, [PROTO, 3..=5, ..]), protocol >= 3) {
            (false, true) => return Rename::ToPython3,
            (true, false) => return Rename::ToPython2,
            _ => {}
        }
        Rename::No
    }

    pub(super) fn apply<'a>(self, module: Text<'a>, name: Text<'a>) -> (Text<'a>, Text<'a>) {
        match self {
            Rename::No => (module, name),
            #[cfg(feature = "fix_imports")]
            Rename::ToPython3 => super::compat::new_name(module, name),
            #[cfg(feature = "fix_imports")]
            Rename::ToPython2 => super::compat::old_name(module, name),
        }
    }
}
