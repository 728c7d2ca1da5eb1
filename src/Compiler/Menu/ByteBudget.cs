using Lorq.Models;
using Lorq.Sites;
using Lorq.Specs;

namespace Lorq.Menu;

/// <summary>A budget as a number of bytes of the whole file, and as the user wrote it.</summary>
/// <param name="Text">As written.</param>
/// <param name="Bytes">Bytes of the file, external data included.</param>
public sealed record ByteBudget(string Text, long Bytes)
{
    /// <summary>More than any file has; a quarter of the range, so that sums stay in it.</summary>
    private const long Unlimited = long.MaxValue / 4;

    /// <summary>True when every size is allowed.</summary>
    public bool IsUnlimited => Bytes == Unlimited;

    /// <summary>Works a spec's budget out for a model; with a loss limit alone every size is allowed.</summary>
    public static ByteBudget Of(CompressionSpec spec, OnnxModel model, SiteTable table)
    {
        if (spec is { Budget: null, MaxLoss: { } limit })
        {
            return new ByteBudget(FormattableString.Invariant($"loss ≤ {limit}"), Unlimited);
        }
        SizeBudget budget = spec.Budget ?? throw new ArgumentException("The spec has no budget.", nameof(spec));
        long bytes = budget switch
        {
            SizeBudget.Percent p => (long)(model.FileBytes * p.Value / 100),
            SizeBudget.Bytes b => b.Value,
            // What is not compressed stays; the average is over the weights of the sites.
            SizeBudget.BitsPerWeight b => model.FileBytes
                - table.Sites.Sum(s => s.StoredBytes)
                + (long)(table.Sites.Sum(s => (double)s.Count) * b.Value / 8),
            _ => throw new ArgumentException($"Unknown budget {budget}.", nameof(spec)),
        };
        return new ByteBudget(budget.ToString(), bytes);
    }
}
