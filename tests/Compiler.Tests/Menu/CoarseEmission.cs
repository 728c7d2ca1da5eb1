using Lorq.Models;
using Lorq.Quantization;
using Lorq.Rewriting;
using Lorq.Sites;

namespace Lorq.Tests.Menu;

/// <summary>An emission whose files are worse than the weights they were made of: every scale is off by a share.</summary>
internal sealed class CoarseEmission(IEmission inner, float share) : IEmission
{
    public string Name => inner.Name;

    public string Summary => inner.Summary;

    public string? Limitation(OnnxModel model) => inner.Limitation(model);

    public bool Supports(OnnxModel model, Site site, QuantizationGrid grid) => inner.Supports(model, site, grid);

    public bool SupportsSegments(Site site) => inner.SupportsSegments(site);

    public bool SupportsFactors(OnnxModel model, Site site, QuantizationGrid? grid) => inner.SupportsFactors(model, site, grid);

    public bool SupportsSharedLeft(OnnxModel model, Site site, QuantizationGrid? grid) => inner.SupportsSharedLeft(model, site, grid);

    public bool RoundsActivations(OnnxModel model, Site site, QuantizationGrid grid) => inner.RoundsActivations(model, site, grid);

    public long BytesDelta(OnnxModel model, Site site, WeightShape shape) => inner.BytesDelta(model, site, shape);

    public long FixedBytes(OnnxModel model) => inner.FixedBytes(model);

    public long PlanBytesDelta(OnnxModel model, IReadOnlyList<(Site Site, WeightShape Shape)> plan) => inner.PlanBytesDelta(model, plan);

    public OnnxModel Rewrite(OnnxModel model, IReadOnlyList<CompressedWeight> weights, CancellationToken cancellationToken) =>
        inner.Rewrite(model, [.. weights.Select(w => w with { Segments = [.. w.Segments.Select(Off)] })], cancellationToken);

    private QuantizedMatrix Off(QuantizedMatrix matrix) =>
        matrix with
        {
            Scales = [.. matrix.Scales.Select(s => (float)(System.Half)(s * (1 + share)))],
        };
}
