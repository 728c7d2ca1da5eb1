using Lorq.Models;
using Lorq.Onnx;
using Lorq.Sites;

namespace Lorq.Calibration;

/// <summary>
/// Weights of a model to be run, open to replacement: every use of a site reads an initializer that is also a graph input, in the
/// layout that the use wants, so one ONNX Runtime session answers what happens when any of them changes.
/// </summary>
internal sealed class OpenWeights
{
    private readonly Dictionary<string, List<Port>> ports = new(StringComparer.Ordinal);

    private OpenWeights() { }

    /// <summary>Opens the uses of sites in a fresh clone of their model.</summary>
    /// <param name="clone">The clone; it is changed.</param>
    /// <param name="original">The model the sites belong to.</param>
    /// <param name="sites">The sites.</param>
    /// <param name="cancellationToken">Stops between sites.</param>
    public static OpenWeights In(OnnxModel clone, OnnxModel original, IEnumerable<Site> sites, CancellationToken cancellationToken)
    {
        var opened = new OpenWeights();
        clone.Proto.IrVersion = Math.Max(clone.Proto.IrVersion, 4);
        var places = new Dictionary<NodeProto, int>(ReferenceEqualityComparer.Instance);
        for (int i = 0; i < original.Proto.Graph.Node.Count; i++)
        {
            places.Add(original.Proto.Graph.Node[i], i);
        }
        foreach (Site site in sites)
        {
            cancellationToken.ThrowIfCancellationRequested();
            opened.ports.Add(site.Name, [.. site.Uses.Select(use => Open(clone, original, use, places[use.Use.Node]))]);
        }
        clone.Invalidate();
        return opened;
    }

    /// <summary>Forgets the uses whose nodes were taken out of the graph.</summary>
    /// <param name="graph">What is left; the inputs of uses that are gone are removed from it.</param>
    public void Keep(GraphProto graph)
    {
        HashSet<string> read = [.. graph.Node.SelectMany(n => n.Input)];
        foreach (List<Port> site in ports.Values)
        {
            foreach (Port gone in site.Where(p => !read.Contains(p.Input)))
            {
                graph.Initializer.Remove(graph.Initializer.First(t => t.Name == gone.Input));
                graph.Input.Remove(graph.Input.First(i => i.Name == gone.Input));
            }
            site.RemoveAll(p => !read.Contains(p.Input));
        }
    }

    /// <summary>The values a site's weight is replaced by, ready to feed.</summary>
    /// <param name="site">The site.</param>
    /// <param name="view">Row-major K×N.</param>
    public IReadOnlyDictionary<string, DataTensor> Replacement(Site site, float[] view)
    {
        var fed = new Dictionary<string, DataTensor>(StringComparer.Ordinal);
        foreach (Port port in ports[site.Name])
        {
            float[] stored = Site.FromView(view, site.K, site.N, site.Groups, port.Layout);
            fed[port.Input] = new DataTensor(port.ElementType, port.Shape, FloatConversion.ToBytes(stored, port.ElementType));
        }
        return fed;
    }

    private static Port Open(OnnxModel clone, OnnxModel original, SiteUse use, int place)
    {
        GraphProto graph = clone.Proto.Graph;
        string name = $"lorq_probe_{graph.Initializer.Count}";
        ConstantTensor constant = use.Use.Scope.Constant(use.Use.Node.Input[use.Use.Index])!;
        long[] shape = [.. constant.Shape];
        var tensor = new TensorProto { Name = name, DataType = (int)constant.ElementType };
        tensor.Dims.AddRange(shape);
        clone.Attach(
            tensor,
            constant.Chain.Count == 0
                ? original.ReadBytes(constant.Origin)
                : FloatConversion.ToBytes(constant.ReadFloats(), constant.ElementType)
        );
        graph.Initializer.Add(tensor);
        var type = new TypeProto.Types.Tensor { ElemType = (int)constant.ElementType, Shape = new TensorShapeProto() };
        type.Shape.Dim.AddRange(shape.Select(d => new TensorShapeProto.Types.Dimension { DimValue = d }));
        graph.Input.Add(
            new ValueInfoProto
            {
                Name = name,
                Type = new TypeProto { TensorType = type },
            }
        );
        graph.Node[place].Input[use.Use.Index] = name;
        return new Port(name, shape, constant.ElementType, use.Layout);
    }

    private sealed record Port(string Input, long[] Shape, TensorProto.Types.DataType ElementType, WeightLayout Layout);
}
