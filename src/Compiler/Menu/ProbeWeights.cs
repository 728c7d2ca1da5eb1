using Lorq.Calibration;
using Lorq.Rewriting;
using Lorq.Sites;

namespace Lorq.Menu;

/// <summary>Weights in place of the original's, as the parts of a <see cref="ProbeSession"/> are fed them.</summary>
internal sealed class ProbeWeights
{
    private readonly IReadOnlyList<Fed> fed;
    private readonly Dictionary<Site, CompressedWeight> weights;

    public ProbeWeights(IReadOnlyList<Fed> fed)
    {
        this.fed = fed;
        weights = fed.ToDictionary(f => f.Weight.Site, f => f.Weight);
    }

    /// <summary>Nothing replaced.</summary>
    public static ProbeWeights None { get; } = new([]);

    /// <summary>A weight that is ready already; null when it is not.</summary>
    public Fed? Find(CompressedWeight weight) => fed.FirstOrDefault(f => ReferenceEquals(f.Weight, weight));

    /// <summary>True when some sites have the same weights here and there.</summary>
    public bool AreAs(ProbeWeights others, IReadOnlyList<Site> sites) =>
        sites.All(s => ReferenceEquals(weights.GetValueOrDefault(s), others.weights.GetValueOrDefault(s)));

    /// <summary>Adds what a part is to be fed.</summary>
    public void AddTo(Dictionary<string, DataTensor> inputs, int part)
    {
        foreach (Fed weight in fed)
        {
            foreach ((string name, DataTensor value) in weight.In(part))
            {
                inputs[name] = value;
            }
        }
    }

    /// <summary>One weight.</summary>
    internal sealed class Fed
    {
        private static readonly Dictionary<string, DataTensor> nothing = [];
        private readonly Dictionary<int, IReadOnlyDictionary<string, DataTensor>> parts;

        /// <param name="weight">The weight.</param>
        /// <param name="parts">Parts that read it.</param>
        /// <param name="view">Its values, row-major K×N.</param>
        /// <param name="replacement">Makes of them what a part is fed.</param>
        public Fed(
            CompressedWeight weight,
            IReadOnlyList<int> parts,
            float[] view,
            Func<int, float[], IReadOnlyDictionary<string, DataTensor>> replacement
        )
        {
            Weight = weight;
            this.parts = parts.ToDictionary(p => p, p => replacement(p, view));
        }

        /// <summary>The weight.</summary>
        public CompressedWeight Weight { get; }

        /// <summary>Inputs of a part and their values; none where the part does not read the weight.</summary>
        public IReadOnlyDictionary<string, DataTensor> In(int part) => parts.GetValueOrDefault(part, nothing);
    }
}
