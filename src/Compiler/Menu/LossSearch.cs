namespace Lorq.Menu;

/// <summary>
/// The search for the smallest budget whose file keeps a loss limit: which size to try next, given what sizes were measured to lose. The
/// logarithm of the loss is close to a line in the bytes, so each measurement says how far to go, and what kept and what missed the limit
/// bound it.
/// </summary>
/// <remarks>Without a second measurement the line falls by ln 4 per bit and weight, as the squared error of rounding does.</remarks>
internal sealed class LossSearch
{
    /// <summary>A file whose loss is above this share of the limit is taken for the smallest: about a twentieth of a bit per weight is left.</summary>
    private const double NearLimit = 0.93;

    /// <summary>The share of the limit that is aimed for: a hair below, because a file that misses it is of no use.</summary>
    private const double Aim = 0.97;

    /// <summary>Kept and missed sizes this close together leave nothing to look for; no step outside them is smaller either.</summary>
    private const double Narrow = 1.01;

    /// <summary>Bits per weight of the largest step: losses lie on a line only nearby.</summary>
    private const double LargestStep = 2;

    /// <summary>A guess between two sizes stays this share of their distance away from both, so that each one tells something.</summary>
    private const double Margin = 0.15;

    /// <summary>Slopes further than this factor from that of rounding are noise.</summary>
    private const double SteepestSlope = 3;

    private readonly double limit;
    private readonly long smallest;
    private readonly long largest;
    private readonly double bytesPerBit;
    private (long Bytes, double Loss)? last;
    private (long Bytes, double Loss)? kept;
    private (long Bytes, double Loss)? missed;

    /// <summary>Starts a search.</summary>
    /// <param name="limit">The loss that may be measured.</param>
    /// <param name="smallest">Bytes of the smallest file there is.</param>
    /// <param name="largest">Bytes of the largest file that may be tried.</param>
    /// <param name="weights">Weights that share the bytes.</param>
    /// <param name="first">The first size to try.</param>
    public LossSearch(double limit, long smallest, long largest, long weights, long first)
    {
        this.limit = limit;
        this.smallest = smallest;
        this.largest = Math.Max(smallest, largest);
        bytesPerBit = weights / 8.0;
        Next = Math.Clamp(first, smallest, this.largest);
    }

    /// <summary>The size to try; null when a smaller file that keeps the limit is not to be expected, or none keeps it.</summary>
    public long? Next { get; private set; }

    /// <summary>Notes what the file made for the size asked for lost.</summary>
    /// <param name="bytes">Its bytes: at most what was asked for.</param>
    /// <param name="loss">What it lost.</param>
    public void Add(long bytes, double loss)
    {
        long asked = Next ?? throw new InvalidOperationException("The search is over.");
        // What missed the limit left nothing better for the bytes it did not use.
        (long Bytes, double Loss) now = (loss <= limit ? bytes : asked, loss);
        double guess = Guess(now);
        last = now;
        if (loss <= limit)
        {
            kept = now;
        }
        else
        {
            missed = now;
        }
        Next = (kept, missed) switch
        {
            ({ } k, _) when k.Loss >= NearLimit * limit || k.Bytes <= smallest => null,
            (null, { } m) => m.Bytes >= largest ? null : (long)Math.Clamp(guess, m.Bytes * Narrow, largest),
            ({ } k, null) => (long)Math.Clamp(guess, smallest, Math.Max(smallest, k.Bytes / Narrow)),
            ({ } k, { } m) => k.Bytes <= m.Bytes * Narrow ? null : Between(m, k),
            _ => null,
        };
    }

    /// <summary>Where the line through the last two measurements, or through the last one with the slope of rounding, meets the aim.</summary>
    private double Guess((long Bytes, double Loss) now)
    {
        double usual = -Math.Log(4) / bytesPerBit;
        double slope = last is { } l ? Math.Log(now.Loss / l.Loss) / (now.Bytes - l.Bytes) : usual;
        slope = double.IsFinite(slope) ? Math.Clamp(slope, SteepestSlope * usual, usual / SteepestSlope) : usual;
        double step = Math.Log(Aim * limit / now.Loss) / slope;
        // A loss of zero, or a limit of zero, lies infinitely far away.
        double farthest = LargestStep * bytesPerBit;
        return now.Bytes + (double.IsNaN(step) ? 0 : Math.Clamp(step, -farthest, farthest));
    }

    private long Between((long Bytes, double Loss) low, (long Bytes, double Loss) high)
    {
        double distance = high.Bytes - low.Bytes;
        double share = Math.Log(low.Loss / (Aim * limit)) / Math.Log(low.Loss / high.Loss);
        return low.Bytes + (long)(distance * (double.IsFinite(share) ? Math.Clamp(share, Margin, 1 - Margin) : 0.5));
    }
}
