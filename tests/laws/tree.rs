//! Values of the object model, as trees: made up, given to a writer by hand, and looked for in what was read.

use larder::object::{Container, Emit, Extra, Kind, Long, Object, Refused, Spelling, Text};
use proptest::collection::vec;
use proptest::prelude::*;

#[derive(Debug, Clone)]
pub(crate) enum Tree {
    None,
    Bool(bool),
    /// Every int, as two's complement.
    Int(i128),
    /// A float's bits.
    Float(u64),
    /// In UTF-8, lone surrogates among it.
    Str(Vec<u8>),
    Bytes(Vec<u8>),
    ByteArray(Vec<u8>),
    ByteString(Vec<u8>),
    Complex(u64, u64),
    Ellipsis,
    StopIteration,
    Global(String, String),
    Ext(u32),
    PersId(Box<Tree>),
    /// A list, tuple, set, frozenset, or a slice's three parts.
    Items(Container, Vec<Tree>),
    /// A dict or frozendict.
    Pairs(Container, Vec<(Tree, Tree)>),
    /// A call: how, of what, its arguments, its keyword arguments, and what was done to the result.
    Call(Container, Vec<Tree>, Vec<(Tree, Tree)>, Done),
}

/// Items, members, pairs and a state that an object was given.
#[derive(Debug, Clone)]
pub(crate) struct Done {
    items: Vec<Tree>,
    adds: Vec<Tree>,
    pairs: Vec<(Tree, Tree)>,
    state: Option<Box<Tree>>,
}

type Wrote = Result<(), Refused>;

/// The class of every call.
const CLASS: (&str, &str) = ("larder_laws", "Class");

impl Tree {
    pub(crate) fn emit(&self, to: &mut dyn Emit) -> Wrote {
        match self {
            Tree::None => to.none(),
            Tree::Bool(value) => to.bool(*value),
            Tree::Int(value) => match (i64::try_from(*value), u64::try_from(*value)) {
                (Ok(value), _) => to.int(value),
                (_, Ok(value)) => to.unsigned(value),
                _ => to.long(&Long::Twos(&value.to_le_bytes())),
            },
            Tree::Float(bits) => to.float(f64::from_bits(*bits)),
            Tree::Str(wtf8) => match std::str::from_utf8(wtf8) {
                Ok(text) => to.str(text),
                Err(_) => to.text(&Text::new(wtf8, Spelling::Utf8)),
            },
            Tree::Bytes(bytes) => to.bytes(bytes),
            Tree::ByteArray(bytes) => to.byte_array(bytes),
            Tree::ByteString(bytes) => to.byte_string(&Text::new(bytes, Spelling::Latin1)),
            Tree::Complex(re, im) => to.complex(f64::from_bits(*re), f64::from_bits(*im)),
            Tree::Ellipsis => to.ellipsis(),
            Tree::StopIteration => to.stop_iteration(),
            Tree::Global(module, name) => to.global(&Text::from_str(module), &Text::from_str(name)),
            Tree::Ext(code) => to.ext(*code),
            Tree::PersId(id) => match &**id {
                // Protocol 0 has no other ids.
                Tree::Str(text) if to.protocol() == 0 => to.pers_id(&Text::new(text, Spelling::Utf8)),
                id => {
                    let mut level = to.open(Container::PersId, Some(1))?;
                    level.item(to)?;
                    id.emit(to)?;
                    to.close(level)
                }
            },
            Tree::Items(container, items) => emit_items(to, *container, items),
            Tree::Pairs(container, pairs) => emit_pairs(to, *container, pairs),
            Tree::Call(how, args, kwargs, done) => {
                let inst = *how == Container::Inst;
                let parts = if inst { 1 + args.len() } else { 2 + usize::from(*how == Container::NewObjEx) };
                let mut level = to.open(*how, Some(parts))?;
                level.item(to)?;
                to.global(&Text::from_str(CLASS.0), &Text::from_str(CLASS.1))?;
                if inst {
                    for arg in args {
                        level.item(to)?;
                        arg.emit(to)?;
                    }
                } else {
                    level.item(to)?;
                    emit_items(to, Container::Tuple, args)?;
                }
                if *how == Container::NewObjEx {
                    level.item(to)?;
                    emit_pairs(to, Container::Dict, kwargs)?;
                }
                to.close(level)?;
                done.emit(to)
            }
        }
    }

    /// Whether the object is this tree, read from a pickle of protocol 5 or from marshal data.
    pub(crate) fn is(&self, object: &Object<'_>) -> bool {
        match (self, object.kind()) {
            (Tree::None, Kind::None) | (Tree::Ellipsis, Kind::Ellipsis) => true,
            (Tree::StopIteration, Kind::StopIteration) => true,
            (Tree::Bool(value), Kind::Bool) => object.as_bool() == Ok(*value),
            (Tree::Int(value), Kind::Int) => object.as_i128() == Ok(*value),
            (Tree::Float(bits), Kind::Float) => object.as_f64().map(f64::to_bits) == Ok(*bits),
            (Tree::Complex(re, im), Kind::Complex) => {
                matches!(object.atom(), Some(larder::object::Atom::Complex(a, b))
                    if (a.to_bits(), b.to_bits()) == (*re, *im))
            }
            (Tree::Str(wtf8), Kind::Str) => object.text().unwrap().to_wtf8(&mut [0; 64]) == Some(wtf8),
            (Tree::ByteString(bytes), Kind::ByteString) => object.text().unwrap().to_bytes(&mut [0; 64]) == Some(bytes),
            (Tree::Bytes(bytes), Kind::Bytes) => object.as_bytes() == Ok(bytes),
            (Tree::ByteArray(bytes), Kind::ByteArray) => object.as_bytes() == Ok(bytes),
            (Tree::Global(module, name), Kind::Global) => names(object, module, name),
            (Tree::Ext(code), Kind::Ext) => {
                matches!(object.atom(), Some(larder::object::Atom::Ext(found)) if found == *code)
            }
            (Tree::PersId(id), Kind::PersId) => object.persistent_id().is_some_and(|found| id.is(&found)),
            (Tree::Items(Container::List, items), Kind::List)
            | (Tree::Items(Container::Tuple, items), Kind::Tuple)
            | (Tree::Items(Container::Slice, items), Kind::Slice) => are(items, object.items()),
            (Tree::Items(Container::Set, items), Kind::Set)
            | (Tree::Items(Container::FrozenSet, items), Kind::FrozenSet) => are_in_any_order(items, object.items()),
            (Tree::Pairs(Container::Dict, pairs), Kind::Dict)
            | (Tree::Pairs(Container::FrozenDict, pairs), Kind::FrozenDict) => are_pairs(pairs, object.pairs()),
            (Tree::Call(Container::Reduce, args, kwargs, done), Kind::Reduce)
            | (Tree::Call(Container::NewObj, args, kwargs, done), Kind::NewObj)
            | (Tree::Call(Container::NewObjEx, args, kwargs, done), Kind::NewObjEx)
            | (Tree::Call(Container::Inst, args, kwargs, done), Kind::Inst) => {
                names(&object.callable().unwrap(), CLASS.0, CLASS.1)
                    && are(args, object.args().unwrap().items())
                    && object.kwargs().is_none_or(|found| are_pairs(kwargs, found.pairs()))
                    && done.is(object)
            }
            _ => false,
        }
    }

    /// The lowest protocol of pickle that carries it.
    pub(crate) fn protocol(&self) -> u8 {
        let all = |trees: &[Tree]| trees.iter().map(Tree::protocol).max().unwrap_or(0);
        let all_pairs = |pairs: &[(Tree, Tree)]| pairs.iter().map(|(k, v)| k.protocol().max(v.protocol())).max();
        match self {
            Tree::Ext(_) => 2,
            Tree::PersId(id) => id.protocol(),
            Tree::Items(_, items) => all(items),
            Tree::Pairs(_, pairs) => all_pairs(pairs).unwrap_or(0),
            Tree::Call(_, args, kwargs, done) => {
                // ADDITEMS is an opcode of protocol 4, and written where there are marks.
                let adds = u8::from(!done.adds.is_empty());
                let parts = [all(args), all(&done.items), adds, all(&done.adds)];
                let pairs = all_pairs(kwargs).max(all_pairs(&done.pairs)).unwrap_or(0);
                let state = done.state.as_ref().map_or(0, |state| state.protocol());
                parts.into_iter().max().unwrap_or(0).max(pairs).max(state)
            }
            _ => 0,
        }
    }

    /// The lowest version of marshal that carries it; none of pickle's own do.
    pub(crate) fn marshal_version(&self) -> Option<u8> {
        Some(match self {
            Tree::Items(container, items) => {
                let own = if *container == Container::Slice { 5 } else { 0 };
                items.iter().map(Tree::marshal_version).try_fold(own, |a, b| Some(a.max(b?)))?
            }
            Tree::Pairs(container, pairs) => {
                let own = if *container == Container::FrozenDict { 6 } else { 0 };
                let both = pairs.iter().flat_map(|(key, value)| [key, value]);
                both.map(Tree::marshal_version).try_fold(own, |a, b| Some(a.max(b?)))?
            }
            Tree::Global(..) | Tree::Ext(_) | Tree::PersId(_) | Tree::Call(..) => return None,
            _ => 0,
        })
    }
}

impl Done {
    fn emit(&self, to: &mut dyn Emit) -> Wrote {
        if !self.items.is_empty() {
            emit_items(to, Container::Items, &self.items)?;
        }
        if !self.adds.is_empty() {
            emit_items(to, Container::Adds, &self.adds)?;
        }
        if !self.pairs.is_empty() {
            emit_pairs(to, Container::Pairs, &self.pairs)?;
        }
        match &self.state {
            Some(state) => emit_items(to, Container::State, std::slice::from_ref(state)),
            None => Ok(()),
        }
    }

    fn is(&self, object: &Object<'_>) -> bool {
        let flat: Vec<&Tree> = self.pairs.iter().flat_map(|(key, value)| [key, value]).collect();
        let mut found = object.extras(Extra::Pairs);
        are(&self.items, object.extras(Extra::Items))
            && are(&self.adds, object.extras(Extra::Adds))
            && flat.iter().all(|tree| found.next().is_some_and(|found| tree.is(&found)))
            && found.next().is_none()
            && are(self.state.as_deref().map_or(&[], std::slice::from_ref), object.extras(Extra::States))
    }
}

fn names(object: &Object<'_>, module: &str, name: &str) -> bool {
    object.global().is_some_and(|(found, called)| found.is(module) && called.is(name))
}

fn are<'a>(trees: &[Tree], mut objects: impl Iterator<Item = Object<'a>>) -> bool {
    trees.iter().all(|tree| objects.next().is_some_and(|object| tree.is(&object))) && objects.next().is_none()
}

/// As in a set: marshal below version 3 writes its members sorted.
fn are_in_any_order<'a>(trees: &[Tree], objects: impl Iterator<Item = Object<'a>>) -> bool {
    let mut left: Vec<Object<'_>> = objects.collect();
    let mut found = |tree: &Tree| left.iter().position(|object| tree.is(object)).map(|i| left.remove(i)).is_some();
    trees.iter().all(&mut found) && left.is_empty()
}

fn are_pairs<'a>(trees: &[(Tree, Tree)], mut pairs: impl Iterator<Item = (Object<'a>, Object<'a>)>) -> bool {
    let same = |(key, value): &(Tree, Tree)| pairs.next().is_some_and(|(k, v)| key.is(&k) && value.is(&v));
    trees.iter().all(same) && pairs.next().is_none()
}

fn emit_items(to: &mut dyn Emit, container: Container, items: &[Tree]) -> Wrote {
    let mut level = to.open(container, Some(items.len()))?;
    for item in items {
        level.item(to)?;
        item.emit(to)?;
    }
    to.close(level)
}

fn emit_pairs(to: &mut dyn Emit, container: Container, pairs: &[(Tree, Tree)]) -> Wrote {
    let mut level = to.open(container, Some(pairs.len()))?;
    for (key, value) in pairs {
        level.item(to)?;
        key.emit(to)?;
        value.emit(to)?;
    }
    to.close(level)
}

/// Code points, lone surrogates among them, in UTF-8's way.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let one = prop_oneof![
        6 => any::<char>().prop_map(|c| c.to_string().into_bytes()),
        3 => proptest::char::range(' ', '~').prop_map(|c| c.to_string().into_bytes()),
        1 => (0xd800_u32..0xdbff).prop_map(|c| vec![0xed, 0x80 | (c >> 6 & 0x3f) as u8, 0x80 | (c & 0x3f) as u8]),
    ];
    vec(one, 0..12).prop_map(|text| text.concat())
}

/// Ints, with those more often where one form ends and the next begins.
fn int() -> impl Strategy<Value = i128> {
    let edge = (0_u32..127, -2_i128..3).prop_map(|(bit, by)| (1_i128 << bit) + by);
    prop_oneof![
        any::<i64>().prop_map(i128::from),
        any::<i8>().prop_map(i128::from),
        any::<i128>(),
        edge.clone(),
        edge.prop_map(|n| -n),
    ]
}

/// What every codec and a dict's key can be.
fn common() -> BoxedStrategy<Tree> {
    prop_oneof![
        Just(Tree::None),
        any::<bool>().prop_map(Tree::Bool),
        int().prop_map(Tree::Int),
        any::<f64>().prop_map(|value| Tree::Float(value.to_bits())),
        text().prop_map(Tree::Str),
        vec(any::<u8>(), 0..12).prop_map(Tree::Bytes),
    ]
    .boxed()
}

/// Lists, tuples, sets and dicts of these.
fn containers(inner: BoxedStrategy<Tree>, keys: BoxedStrategy<Tree>) -> BoxedStrategy<Tree> {
    let keys = prop_oneof![3 => keys.clone(), 1 => vec(keys, 0..4).prop_map(|v| Tree::Items(Container::Tuple, v))];
    let items = |container| move |items| Tree::Items(container, items);
    prop_oneof![
        vec(inner.clone(), 0..6).prop_map(items(Container::List)),
        vec(inner.clone(), 0..6).prop_map(items(Container::Tuple)),
        vec(keys.clone(), 0..4).prop_map(items(Container::Set)),
        vec(keys.clone(), 0..4).prop_map(items(Container::FrozenSet)),
        vec((keys, inner), 0..5).prop_map(|pairs| Tree::Pairs(Container::Dict, pairs)),
    ]
    .boxed()
}

/// What both codecs have.
pub(crate) fn of_both() -> impl Strategy<Value = Tree> {
    common().prop_recursive(5, 40, 6, |inner| containers(inner, common()))
}

/// What pickle has of its own besides.
pub(crate) fn of_pickle() -> impl Strategy<Value = Tree> {
    let name = || "[a-z][a-z0-9_]{0,6}".prop_map(String::from);
    let leaf = prop_oneof![
        12 => common(),
        1 => vec(any::<u8>(), 0..12).prop_map(Tree::ByteArray),
        1 => vec(any::<u8>(), 0..12).prop_map(Tree::ByteString),
        1 => (name(), name()).prop_map(|(module, name)| Tree::Global(format!("laws_{module}"), name)),
        1 => prop_oneof![1_u32..300, 65_530_u32..65_540, Just(0x7fff_ffff)].prop_map(Tree::Ext),
        1 => name().prop_map(|id| Tree::PersId(Box::new(Tree::Str(id.into_bytes())))),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        let how = prop_oneof![
            Just(Container::Reduce),
            Just(Container::NewObj),
            Just(Container::NewObjEx),
            Just(Container::Inst)
        ];
        let pairs = |most| vec((common(), inner.clone()), 0..most);
        let some = |most| vec(inner.clone(), 0..most);
        let kwargs = vec(("[a-z]{1,5}".prop_map(|name| Tree::Str(name.into_bytes())), inner.clone()), 0..3);
        let state = proptest::option::of(inner.clone().prop_map(Box::new));
        let done = (some(3), vec(common(), 0..3), pairs(3), state).prop_map(|(items, adds, pairs, state)| Done {
            items,
            adds,
            pairs,
            state,
        });
        let call = (how, some(4), kwargs, done).prop_map(|(how, args, kwargs, done)| {
            Tree::Call(how, args, if how == Container::NewObjEx { kwargs } else { Vec::new() }, done)
        });
        prop_oneof![3 => containers(inner, common()), 2 => call]
    })
}

/// What marshal has of its own besides.
pub(crate) fn of_marshal() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        8 => common(),
        1 => (any::<u64>(), any::<u64>()).prop_map(|(re, im)| Tree::Complex(re, im)),
        1 => Just(Tree::Ellipsis),
        1 => Just(Tree::StopIteration),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            8 => containers(inner.clone(), common()),
            1 => vec((common(), inner.clone()), 0..3).prop_map(|pairs| Tree::Pairs(Container::FrozenDict, pairs)),
            1 => vec(inner, 3).prop_map(|parts| Tree::Items(Container::Slice, parts)),
        ]
    })
}
