//! [`Fields`]: the fields of an instance, one after the other, wherever its form keeps them.

use super::{Class, Instance, State};
use crate::object::Slot;
use crate::object::items::Words;
use crate::object::{ErrorKind, Extra, Kind, Object, Result, Tree};

/// A field's name: from the struct, where Python gives only a place, or from the stream.
pub(crate) enum Name {
    Place(&'static str),
    Word(Slot),
}

/// A field's value.
pub(crate) enum Field<'a> {
    One(Slot),
    Items(Chain<'a>),
    Pairs(Flat<'a>),
}

/// Items of the first, then those of the second.
pub(crate) struct Chain<'a>(pub(crate) Option<Words<'a>>, pub(crate) Words<'a>);

impl<'a> Chain<'a> {
    fn next(&mut self, tree: &Tree<'a>) -> Option<Slot> {
        if let Some(item) = self.0.as_mut().and_then(|first| first.next(tree)) {
            return Some(item);
        }
        self.0 = None;
        self.1.next(tree)
    }
}

/// Pairs, of a list of pairs or of keys and values in turn.
pub(crate) struct Flat<'a> {
    chain: Chain<'a>,
    listed: bool,
}

impl<'a> Flat<'a> {
    /// The next pair; an item that should be one and is not is an error.
    pub(crate) fn next(&mut self, tree: &Tree<'a>) -> Result<Option<(Slot, Slot)>> {
        self.listed = self.listed && self.chain.0.is_some();
        let Some(first) = self.chain.next(tree) else { return Ok(None) };
        // The list may just have ended, and this is the first key of the pairs after it.
        if self.listed && self.chain.0.is_some() {
            let first = Object::new(*tree, first);
            return Ok(Some((first.at(0)?.word, first.at(1)?.word)));
        }
        Ok(self.chain.next(tree).map(|value| (first, value)))
    }
}

/// The values of a state that have names: a dict, and the dict of slots behind it.
struct Named<'a> {
    pairs: Words<'a>,
    slots: Option<Slot>,
}

impl<'a> Named<'a> {
    fn next(&mut self, tree: &Tree<'a>) -> Option<(Slot, Slot)> {
        loop {
            if let (Some(name), Some(value)) = (self.pairs.next(tree), self.pairs.next(tree)) {
                return Some((name, value));
            }
            self.pairs = Object::new(*tree, self.slots.take()?).items().words;
        }
    }
}

/// The fields, one by one.
pub(crate) struct Fields<'a> {
    object: Object<'a>,
    class: &'a Class,
    /// Names that no place has taken yet.
    names: core::slice::Iter<'static, &'static str>,
    /// Values without names: arguments, then a list of states.
    places: Option<Words<'a>>,
    /// Values with names: keyword arguments, then state dicts.
    named: Option<Named<'a>>,
    /// Where items and pairs begin: an argument, or the value of the base class.
    start: Option<Slot>,
    items: Option<Words<'a>>,
    pairs: Option<Words<'a>>,
    states: Option<Words<'a>>,
}

impl<'a> Fields<'a> {
    /// The fields of an instance of this class; `names` are the struct's, in order.
    pub(crate) fn new(object: Object<'a>, class: &'a Class, names: &'static [&'static str]) -> Result<Fields<'a>> {
        let names = class.places.unwrap_or(names);
        let mut fields = Fields {
            object,
            class,
            names: names.iter(),
            places: None,
            named: None,
            start: None,
            items: None,
            pairs: None,
            states: None,
        };
        match Instance::of(object) {
            Some(instance) => fields.instance(instance)?,
            // A slice as marshal has it.
            None if object.kind() == Kind::Slice => fields.places = Some(object.items().words),
            None => return Err(object.error(ErrorKind::UnexpectedType)),
        }
        Ok(fields)
    }

    fn instance(&mut self, instance: Instance<'a>) -> Result<()> {
        let class = self.class;
        (self.items, self.pairs, self.states) =
            (Some(instance.items().words), Some(instance.pairs().words), Some(instance.states().words));
        self.places = Some(instance.args.words.clone());
        self.named = instance.kwargs.map(|kwargs| Named { pairs: kwargs.items().words, slots: None });
        if let Some(base) = instance.base {
            match base.kind() {
                Kind::Tuple if class.positional != 1 => self.places = Some(base.items().words),
                Kind::List if class.items => self.start = Some(base.word),
                Kind::Dict if class.pairs => self.start = Some(base.word),
                // The one argument: what `_reconstructor` has behind class and base.
                _ => self.places = self.object.args().map(|args| skip(args, 2)),
            }
        }
        // What the row does not tell of is refused, not dropped.
        let told = (class.items || instance.items().next().is_none())
            && (class.pairs || instance.pairs().next().is_none())
            && self.object.extras(Extra::Adds).next().is_none();
        if told { Ok(()) } else { Err(self.object.error(ErrorKind::WrongKind)) }
    }

    fn at(&self, word: Slot) -> Object<'a> {
        Object { word, ..self.object }
    }

    /// The next value that has no name.
    fn place(&mut self) -> Result<Option<(Name, Field<'a>)>> {
        while let Some(value) = self.places.as_mut().and_then(|places| places.next(&self.object.tree)) {
            match self.names.next() {
                None => return Err(self.at(value).error(ErrorKind::WrongLength)),
                Some(name) if self.class.items && *name == "items" => self.start = Some(value),
                Some(name) if self.class.pairs && *name == "pairs" => self.start = Some(value),
                Some(name) => return Ok(Some((Name::Place(name), Field::One(value)))),
            }
        }
        self.places = None;
        Ok(None)
    }

    /// The next field.
    pub(crate) fn next(&mut self) -> Result<Option<(Name, Field<'a>)>> {
        if let Some(parts) = self.places.take_if(|_| self.class.star) {
            return Ok(Some((Name::Place(self.class.name), Field::Items(Chain(None, parts)))));
        }
        loop {
            if let Some(field) = self.place()? {
                return Ok(Some(field));
            }
            if let Some((name, value)) = self.named.as_mut().and_then(|named| named.next(&self.object.tree)) {
                return Ok(Some((Name::Word(name), Field::One(value))));
            }
            if let Some(field) = self.contents()? {
                return Ok(Some(field));
            }
            let tree = &self.object.tree;
            let Some(state) = self.states.as_mut().and_then(|states| states.next(tree)) else { return Ok(None) };
            let state = self.at(state);
            if self.class.state == State::Own {
                let name = self.names.next().ok_or_else(|| state.error(ErrorKind::WrongLength))?;
                return Ok(Some((Name::Place(name), Field::One(state.word))));
            }
            self.enter(state)?;
        }
    }

    /// Items and pairs, once.
    fn contents(&mut self) -> Result<Option<(Name, Field<'a>)>> {
        if let Some(items) = self.items.take_if(|_| self.class.items) {
            let start = self.start.take().map(|start| self.at(start));
            if let Some(start) = start.filter(|start| !matches!(start.kind(), Kind::List | Kind::Tuple)) {
                return Err(start.error(ErrorKind::UnexpectedType));
            }
            return Ok(Some((
                Name::Place("items"),
                Field::Items(Chain(start.map(|start| start.items().words), items)),
            )));
        }
        if let Some(pairs) = self.pairs.take_if(|_| self.class.pairs) {
            let start = self.start.take().map(|start| self.at(start));
            let listed = match start.map(|start| (start, start.kind())) {
                None | Some((_, Kind::Dict)) => false,
                Some((_, Kind::List | Kind::Tuple)) => true,
                Some((start, _)) => return Err(start.error(ErrorKind::UnexpectedType)),
            };
            let chain = Chain(start.map(|start| start.items().words), pairs);
            return Ok(Some((Name::Place("pairs"), Field::Pairs(Flat { chain, listed }))));
        }
        Ok(None)
    }

    /// Takes a state apart.
    fn enter(&mut self, state: Object<'a>) -> Result<()> {
        let dict = |o: &Object<'a>| matches!(o.kind(), Kind::Dict | Kind::None);
        let mut items = state.items();
        match (state.kind(), items.next(), items.next(), items.next()) {
            (Kind::None, ..) => {}
            (Kind::Dict, ..) => self.named = Some(Named { pairs: state.items().words, slots: None }),
            (Kind::Tuple, Some(fields), Some(slots), None) if dict(&fields) && dict(&slots) => {
                self.named = Some(Named { pairs: fields.items().words, slots: Some(slots.word) });
            }
            (Kind::List | Kind::Tuple, ..) => self.places = Some(state.items().words),
            _ => return Err(state.error(ErrorKind::UnexpectedType)),
        }
        Ok(())
    }

    /// The fields by place alone; an instance that has others as well is refused.
    pub(crate) fn into_places(mut self) -> Result<Words<'a>> {
        let tree = &self.object.tree;
        let others = self.named.is_some() || self.states.as_mut().is_some_and(|states| states.next(tree).is_some());
        match self.places.take() {
            Some(places) if !others => Ok(places),
            _ => Err(self.object.error(ErrorKind::UnexpectedType)),
        }
    }
}

/// The items of a tuple behind the first `n`.
fn skip(tuple: Object<'_>, n: usize) -> Words<'_> {
    let mut items = tuple.items();
    for _ in 0..n {
        items.next();
    }
    items.words
}
