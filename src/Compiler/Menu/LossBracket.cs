namespace Lorq.Menu;

/// <summary>
/// The search for the plan that just keeps a loss limit: which predicted loss to ask for next, given what plans were predicted to lose and
/// what they lost. Near one plan the two go together, so each measurement moves the target in proportion; what kept and what missed the
/// limit bound it.
/// </summary>
internal sealed class LossBracket
{
    /// <summary>A plan whose loss is above this share of the limit is taken for the smallest.</summary>
    private const double NearLimit = 0.93;

    /// <summary>The share of the limit that is aimed for: a hair below, because a plan that misses it is of no use.</summary>
    private const double Aim = 0.98;

    /// <summary>Kept and missed targets this close together leave nothing to look for.</summary>
    private const double Narrow = 1.02;

    /// <summary>The least and the largest step: prediction and loss go together only nearby.</summary>
    private const double LargestStep = 10;

    private readonly double limit;
    private double kept = double.NaN;
    private double missed = double.PositiveInfinity;

    /// <summary>Starts from the limit itself: predictions are taken at their word.</summary>
    /// <param name="limit">The loss that may be measured.</param>
    public LossBracket(double limit)
    {
        this.limit = limit;
        Target = limit;
    }

    /// <summary>The predicted loss to ask for.</summary>
    public double Target { get; private set; }

    /// <summary>True when a smaller file that keeps the limit is not to be expected.</summary>
    public bool IsDone { get; private set; }

    /// <summary>Notes the loss of a plan and moves the target.</summary>
    /// <param name="predicted">What it was predicted to lose; or the target, when that asked for a plan that was measured before.</param>
    /// <param name="measured">What it lost.</param>
    public void Add(double predicted, double measured)
    {
        if (measured <= limit)
        {
            kept = double.IsNaN(kept) ? predicted : Math.Max(kept, predicted);
        }
        else
        {
            missed = Math.Min(missed, predicted);
        }
        double step = measured > 0 ? Aim * limit / measured : LargestStep;
        Target = predicted * Math.Clamp(step, 1 / LargestStep, LargestStep);
        if (double.IsNaN(kept))
        {
            // A plan may lose less than one of half its prediction; what missed the limit once is not asked for again.
            Target = Math.Min(Target, missed / Narrow);
        }
        else if (double.IsPositiveInfinity(missed))
        {
            Target = Math.Max(Target, kept * Narrow);
        }
        else if (!(Target > kept && Target < missed))
        {
            Target = kept > 0 ? Math.Sqrt(kept * missed) : missed / 2;
        }
        IsDone = (measured <= limit && (measured >= NearLimit * limit || predicted == 0)) || kept * Narrow >= missed;
    }
}
