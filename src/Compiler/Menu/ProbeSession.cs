using System.Collections.Frozen;
using Lorq.Calibration;
using Lorq.Models;
using Lorq.Onnx;
using Lorq.Rewriting;
using Lorq.Sites;
using Microsoft.ML.OnnxRuntime;

namespace Lorq.Menu;

/// <summary>
/// The original model with every site's weight open to replacement, in parts that run one after another: they are loaded once, and
/// what the first parts compute for several trials is computed once.
/// </summary>
public sealed class ProbeSession : IDisposable
{
    private static readonly FrozenDictionary<string, DataTensor> nothing = FrozenDictionary<string, DataTensor>.Empty;

    private readonly Lazy<Opened> opened;

    /// <summary>Prepares a session; it opens when it is first used.</summary>
    /// <param name="model">The original model.</param>
    /// <param name="sites">Sites whose weights can be replaced.</param>
    /// <param name="cancellationToken">Stops opening.</param>
    public ProbeSession(OnnxModel model, IReadOnlyList<Site> sites, CancellationToken cancellationToken)
    {
        Sites = sites;
        opened = new(() => Open(model, sites, cancellationToken));
    }

    /// <summary>The sites whose weights can be replaced: with another set of them ONNX Runtime folds and fuses differently.</summary>
    public IReadOnlyList<Site> Sites { get; }

    /// <summary>The model's outputs.</summary>
    public IReadOnlyList<TensorSignature> Outputs => opened.Value.Parts[^1].Outputs;

    /// <summary>Parts of the model.</summary>
    internal int Parts => opened.Value.Parts.Count;

    /// <summary>The first part in which two sets of weights differ; the last where they differ in none.</summary>
    internal int FirstDifference(ProbeWeights weights, ProbeWeights others) =>
        Enumerable.Range(0, Parts - 1).Where(p => !weights.AreAs(others, opened.Value.Parts[p].Sites)).FirstOrDefault(Parts - 1);

    /// <summary>Weights ready to be fed.</summary>
    /// <param name="weights">The weights; sites that none belongs to keep the original's.</param>
    /// <param name="others">Weights of which those that are the same need not be made again; null for none.</param>
    internal ProbeWeights Prepare(IReadOnlyList<CompressedWeight> weights, ProbeWeights? others) =>
        new(weights.Select(w => others?.Find(w) ?? Feed(w)));

    /// <summary>Runs a batch with some weights replaced, on the calling thread. Thread-safe.</summary>
    /// <param name="batch">The model's inputs.</param>
    /// <param name="weights">What is replaced.</param>
    /// <param name="first">The part to begin with.</param>
    /// <param name="known">Gives a tensor that an earlier part made; asked only where <paramref name="first"/> is not 0.</param>
    /// <param name="made">Told each tensor that goes from one part to a later one; null for nobody.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <returns>The model's outputs, in order.</returns>
    internal IDisposableReadOnlyCollection<OrtValue> Run(
        IReadOnlyDictionary<string, DataTensor> batch,
        ProbeWeights weights,
        int first,
        Func<string, DataTensor> known,
        Action<string, DataTensor>? made,
        CancellationToken cancellationToken
    )
    {
        var tensors = new Dictionary<string, DataTensor>(batch, StringComparer.Ordinal);
        for (int p = first; ; p++)
        {
            (SegmentModel part, GraphSegment segment) = (opened.Value.Parts[p], opened.Value.Segments[p]);
            var inputs = new Dictionary<string, DataTensor>(StringComparer.Ordinal);
            foreach (string input in segment.Inputs)
            {
                inputs.Add(input, tensors.TryGetValue(input, out DataTensor? tensor) ? tensor : known(input));
            }
            weights.AddTo(inputs, p);
            if (p == Parts - 1)
            {
                return part.Run(inputs, cancellationToken);
            }
            DataTensor[] outputs = part.RunToTensors(inputs, cancellationToken)!;
            for (int o = 0; o < outputs.Length; o++)
            {
                tensors[segment.Outputs[o]] = outputs[o];
                made?.Invoke(segment.Outputs[o], outputs[o]);
            }
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        if (opened.IsValueCreated)
        {
            opened.Value.Dispose();
        }
    }

    private ProbeWeights.Fed Feed(CompressedWeight weight)
    {
        float[] view = Materializer.Dequantize(weight);
        return new(weight, [.. opened.Value.Parts.Select(p => p.Sites.Contains(weight.Site) ? p.Replacement(weight.Site, view) : nothing)]);
    }

    private static Opened Open(OnnxModel model, IReadOnlyList<Site> sites, CancellationToken cancellationToken) =>
        Opened.Of(model, ProbeCuts.Of(model, sites), sites, cancellationToken)
        // Only tensors of numbers can be handed from part to part.
        ?? Opened.Of(model, ProbeCuts.Whole(model), sites, cancellationToken)!;

    private sealed record Opened(IReadOnlyList<GraphSegment> Segments, IReadOnlyList<SegmentModel> Parts) : IDisposable
    {
        /// <summary>Loads the parts; null when what goes from one to the next is no tensor of numbers.</summary>
        public static Opened? Of(
            OnnxModel model,
            IReadOnlyList<GraphSegment> segments,
            IReadOnlyList<Site> sites,
            CancellationToken cancellationToken
        )
        {
            var parts = new List<SegmentModel>();
            bool isComplete = false;
            try
            {
                var types = model.Proto.Graph.Input.ToDictionary(i => i.Name, i => i.Type, StringComparer.Ordinal);
                foreach (GraphSegment segment in segments)
                {
                    var part = new SegmentModel(model, segment, types, sites, 1, cancellationToken);
                    parts.Add(part);
                    if (parts.Count == segments.Count)
                    {
                        isComplete = true;
                        return new Opened(segments, parts);
                    }
                    foreach (TensorSignature output in part.Outputs)
                    {
                        if (output.ElementType is TensorProto.Types.DataType.Undefined or TensorProto.Types.DataType.String)
                        {
                            return null;
                        }
                        types[output.Name] = TypeOf(output);
                    }
                }
                throw new System.Diagnostics.UnreachableException();
            }
            finally
            {
                if (!isComplete)
                {
                    parts.ForEach(p => p.Dispose());
                }
            }
        }

        public void Dispose()
        {
            foreach (SegmentModel part in Parts)
            {
                part.Dispose();
            }
        }

        private static TypeProto TypeOf(TensorSignature signature)
        {
            TypeProto type = SegmentModel.OfElements(signature.ElementType);
            // An unknown rank is told as rank 0. Names that ONNX Runtime made up in one part mean nothing in another.
            if (signature.Shape.Length > 0)
            {
                type.TensorType.Shape = new TensorShapeProto();
                type.TensorType.Shape.Dim.AddRange(
                    signature.Shape.Select(d =>
                        d < 0 ? new TensorShapeProto.Types.Dimension() : new TensorShapeProto.Types.Dimension { DimValue = d }
                    )
                );
            }
            return type;
        }
    }
}
