package policy

import "time"

// FailingLong is how long a job must have failed before it is urgent.
const FailingLong = 6 * time.Hour

// LeastSilence is how long no mail must have come in before it is news.
const LeastSilence = 24 * time.Hour

// usualMails is how many mails a day must have been usual for silence to be news.
const usualMails = 5

// Lull is what is known of the mail that came in, and of looking for it.
type Lull struct {
	Last   time.Time     // of the latest mail; zero when none ever came
	Usual  float64       // mails a day in the two weeks before it
	Gap    time.Duration // the longest without any in these weeks, to the hour
	Begun  time.Time     // when a mailbox was first read; what was imported may be older
	Looked time.Time     // when one was last read: that none can be is another trouble
}

// Silent tells whether it is news that nothing comes in. Who gets no mail at
// week-ends is no news on Monday: it takes half as long again as the longest
// silence of two weeks, and twice that to be urgent.
func (l Lull) Silent() (Urgency, bool) {
	from := l.Last
	if l.Begun.After(from) {
		from = l.Begun
	}
	least := max(LeastSilence, l.Gap*3/2)
	silence := l.Looked.Sub(from)
	switch {
	case l.Last.IsZero() || l.Looked.IsZero() || l.Usual < usualMails || silence < least:
		return Soon, false
	case silence >= 2*least:
		return Now, true
	}
	return Soon, true
}
