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

    /// <summary>Two plans that say loss grows faster with prediction than this, or slower than its inverse, say nothing.</summary>
    private const double SteepestSlope = 3;

    private readonly double limit;
    private (double Predicted, double Measured) last = (double.NaN, double.NaN);
    private (double Target, double Predicted, double Measured) kept = (double.NaN, 0, 0);
    private (double Predicted, double Measured) missed = (double.PositiveInfinity, 0);

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

    /// <summary>Notes what the target's plan lost and moves the target.</summary>
    /// <param name="predicted">What the plan was predicted to lose: the target or less, for a plan has to exist.</param>
    /// <param name="measured">What it lost.</param>
    public void Add(double predicted, double measured)
    {
        bool isAgain = kept.Predicted == predicted && kept.Target < Target;
        double step = Step(predicted, measured);
        last = (predicted, measured);
        if (measured <= limit)
        {
            kept = (Target, predicted, measured);
        }
        else if (predicted < missed.Predicted)
        {
            missed = (predicted, measured);
        }
        if (double.IsNaN(kept.Target))
        {
            // What missed the limit once is not asked for again.
            Target = Math.Min(predicted * step, missed.Predicted / Narrow);
        }
        else if (double.IsPositiveInfinity(missed.Predicted))
        {
            // A plan that comes back says only that the next one is further away.
            Target *= isAgain ? LargestStep : Math.Max(Narrow, step * predicted / Target);
        }
        else
        {
            Target = Between();
        }
        IsDone = (measured <= limit && measured >= NearLimit * limit) || kept.Target * Narrow >= missed.Predicted;
    }

    /// <summary>How much further to ask: in proportion to what is missing, or as the last two plans say that loss goes with prediction.</summary>
    private double Step(double predicted, double measured)
    {
        double slope = Math.Log(measured / last.Measured) / Math.Log(predicted / last.Predicted);
        double power = double.IsFinite(slope) ? 1 / Math.Clamp(slope, 1 / SteepestSlope, SteepestSlope) : 1;
        double step = measured > 0 ? Math.Pow(Aim * limit / measured, power) : LargestStep;
        return Math.Clamp(step, 1 / LargestStep, LargestStep);
    }

    /// <summary>Where the line through a plan that kept the limit and one that missed it meets the aim, in logarithms; halfway where that is no help.</summary>
    private double Between()
    {
        double slope = Math.Log(missed.Measured / kept.Measured) / Math.Log(missed.Predicted / kept.Predicted);
        double target = kept.Predicted * Math.Pow(Aim * limit / kept.Measured, 1 / slope);
        return target > kept.Target * Narrow && target < missed.Predicted / Narrow ? target : Math.Sqrt(kept.Target * missed.Predicted);
    }
}
