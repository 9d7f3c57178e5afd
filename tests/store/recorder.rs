//! A part that keeps a log of what was done to it, so that every power cut of a run can be tried without running it again.

use std::cell::RefCell;
use std::rc::Rc;

use embedded_storage::nor_flash::{ErrorType, NorFlash, ReadNorFlash};
use larder::flash::{Error, SimFlash, Tear};

/// One operation at which a power cut can strike.
#[derive(Clone, Debug)]
pub enum Event {
    Program { offset: u32, bytes: Vec<u8> },
    Erase { offset: u32 },
}

/// The part beneath.
pub type Part<const WRITE: usize, const ERASE: usize> = SimFlash<'static, WRITE, ERASE>;

/// A part with a log of its programs and erases. All stores of the tests run on it, so that there is one store to compile for
/// each geometry.
pub struct Recorder<const WRITE: usize, const ERASE: usize> {
    pub part: Part<WRITE, ERASE>,
    log: Rc<RefCell<Vec<Event>>>,
    /// Reads that may follow before the store is said to hang.
    breath: u32,
}

/// The log of a [`Recorder`], to be read while a store holds the recorder.
#[derive(Clone)]
pub struct Log(Rc<RefCell<Vec<Event>>>);

impl Log {
    pub fn take(&self) -> Vec<Event> {
        self.0.take()
    }
}

impl<const WRITE: usize, const ERASE: usize> Recorder<WRITE, ERASE> {
    pub fn new(part: Part<WRITE, ERASE>) -> (Self, Log) {
        let log = Rc::new(RefCell::new(Vec::new()));
        (Recorder { part, log: log.clone(), breath: 100_000_000 }, Log(log))
    }
}

impl<const WRITE: usize, const ERASE: usize> From<Part<WRITE, ERASE>> for Recorder<WRITE, ERASE> {
    fn from(part: Part<WRITE, ERASE>) -> Self {
        Recorder::new(part).0
    }
}

impl<const WRITE: usize, const ERASE: usize> Recorder<WRITE, ERASE> {
    /// An erased part.
    pub fn erased(sectors: usize) -> Self {
        SimFlash::owned(sectors).expect("a possible geometry").into()
    }

    /// A store on this part that reads more than so often hangs.
    pub fn patient(mut self, breath: u32) -> Self {
        self.breath = breath;
        self
    }
}

impl Event {
    /// Does it to `part`, which may lose its power.
    pub fn replay<F: NorFlash>(&self, part: &mut F) -> Result<(), F::Error> {
        match self {
            Event::Program { offset, bytes } => part.write(*offset, bytes),
            Event::Erase { offset } => part.erase(*offset, offset + F::ERASE_SIZE as u32),
        }
    }

    /// The part as it is when power goes in the middle of this event.
    pub fn torn<const WRITE: usize, const ERASE: usize>(
        &self,
        before: &Part<WRITE, ERASE>,
        tear: Tear,
        seed: u32,
    ) -> Part<WRITE, ERASE> {
        let mut part = before.clone();
        part.seed(seed);
        part.cut_after(0, tear);
        assert_eq!(self.replay(&mut part), Err(Error::PowerCut));
        part.restore_power();
        part
    }
}

impl<const WRITE: usize, const ERASE: usize> ErrorType for Recorder<WRITE, ERASE> {
    type Error = Error;
}

impl<const WRITE: usize, const ERASE: usize> ReadNorFlash for Recorder<WRITE, ERASE> {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Error> {
        self.breath = self.breath.checked_sub(1).expect("the store hangs");
        self.part.read(offset, bytes)
    }

    fn capacity(&self) -> usize {
        self.part.capacity()
    }
}

impl<const WRITE: usize, const ERASE: usize> NorFlash for Recorder<WRITE, ERASE> {
    const WRITE_SIZE: usize = WRITE;
    const ERASE_SIZE: usize = ERASE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Error> {
        self.part.erase(from, to)?;
        self.log.borrow_mut().extend((from..to).step_by(ERASE).map(|offset| Event::Erase { offset }));
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Error> {
        self.part.write(offset, bytes)?;
        if !bytes.is_empty() {
            self.log.borrow_mut().push(Event::Program { offset, bytes: bytes.to_vec() });
        }
        Ok(())
    }
}
