using Lorq.Calibration;
using Lorq.Rewriting;
using Lorq.Sites;

namespace Lorq.Menu;

/// <summary>Weights in place of the original's, as the parts of a <see cref="ProbeSession"/> are fed them.</summary>
/// <param name="weights">The weights, of one site each.</param>
internal sealed class ProbeWeights(IEnumerable<ProbeWeights.Fed> weights)
{
    private readonly Dictionary<Site, Fed> fed = weights.ToDictionary(f => f.Weight.Site);

    /// <summary>Nothing replaced.</summary>
    public static ProbeWeights None { get; } = new([]);

    /// <summary>A weight that is ready already; null when it is not.</summary>
    public Fed? Find(CompressedWeight weight) =>
        fed.GetValueOrDefault(weight.Site) is { } found && ReferenceEquals(found.Weight, weight) ? found : null;

    /// <summary>True when some sites have the same weights here and there.</summary>
    public bool AreAs(ProbeWeights others, IReadOnlyList<Site> sites) =>
        sites.All(s => ReferenceEquals(fed.GetValueOrDefault(s)?.Weight, others.fed.GetValueOrDefault(s)?.Weight));

    /// <summary>Adds what a part is to be fed.</summary>
    public void AddTo(Dictionary<string, DataTensor> inputs, int part)
    {
        foreach ((string name, DataTensor value) in fed.Values.SelectMany(f => f.Parts[part]))
        {
            inputs[name] = value;
        }
    }

    /// <summary>One weight.</summary>
    /// <param name="Weight">The weight.</param>
    /// <param name="Parts">Per part the inputs that read it and their values; none where none does.</param>
    internal sealed record Fed(CompressedWeight Weight, IReadOnlyList<IReadOnlyDictionary<string, DataTensor>> Parts);
}
