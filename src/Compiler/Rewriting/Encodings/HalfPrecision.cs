using Lorq.Models;
using Lorq.Sites;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Rewriting.Encodings;

/// <summary>fp16 on disk and a Cast to fp32, which ONNX Runtime folds at load.</summary>
internal static class HalfPrecision
{
    /// <summary>True for fp32 tensors that only the site reads; what is 16 bits wide already gains nothing.</summary>
    public static bool Applies(Site site) =>
        (DataType)site.Weight.Origin.DataType == DataType.Float && !site.Weight.IsOverridable && DeadDefinitions.OwnsOrigin(site);

    /// <summary>Adds the fp16 tensor and a Cast that defines the stored tensor's name anew; readers stay as they are.</summary>
    public static void Emit(ChainBuilder builder, ConstantTensor weight)
    {
        long count = weight.Origin.Dims.Aggregate(1L, (a, d) => a * d);
        string halves = builder.Store(
            DataType.Float16,
            [.. weight.Origin.Dims],
            2 * count,
            () => FloatConversion.ToBytes(weight.OriginScope.Model.ReadFloats(weight.Origin), DataType.Float16)
        );
        builder.AddTo(weight.OriginName, "Cast", [halves], Attributes.Int("to", (long)DataType.Float));
    }
}
