namespace Lorq.Reports.Html;

/// <summary>Maps values to an axis. Values outside it land outside of 0…1.</summary>
internal abstract class Scale
{
    /// <summary>Where a value stands, 0 at the start of the axis and 1 at its end.</summary>
    public abstract double Position(double value);

    /// <summary>The values that are labelled, rising.</summary>
    public abstract IReadOnlyList<double> Ticks { get; }
}
